"""Trace context for requests that bring none (W3C Trace Context, section 3.2)."""

from __future__ import annotations

import os

_BATCH = 256
"""Ids made from one read of the system's randomness: a call costs as much as 60 ids."""
_ID_BYTES = 24
"""16 of trace id, 8 of parent id."""
_TRACE_DIGITS = 32
_TRACE_ID = slice(3, 3 + _TRACE_DIGITS)


class TraceIds:
    """Makes traceparent lines."""

    def __init__(self) -> None:
        self._ready: list[bytes] = []

    def next(self) -> tuple[bytes, bytes]:
        """A new field line with its CRLF (version 00, sampled), and its trace id."""
        ready = self._ready
        if not ready:
            pool, size = os.urandom(_ID_BYTES * _BATCH).hex().encode(), _ID_BYTES * 2
            ready += [pool[i : i + size] for i in range(0, len(pool), size)]
        ids = ready.pop()
        trace = ids[:_TRACE_DIGITS]
        return b"traceparent: 00-%b-%b-01\r\n" % (trace, ids[_TRACE_DIGITS:]), trace


def trace_id(traceparent: bytes) -> bytes:
    """The trace id within a ``traceparent`` value; empty if it is malformed."""
    text = traceparent[_TRACE_ID]
    is_hexadecimal = len(text) == _TRACE_DIGITS and not text.strip(b"0123456789abcdef")
    return text if is_hexadecimal else b""
