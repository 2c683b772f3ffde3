"""Trace context for requests that bring none (W3C Trace Context, section 3.2)."""

from __future__ import annotations

import os

_BATCH = 256
"""Ids made from one read of the system's randomness: a call costs as much as 60 ids."""
_ID_BYTES = 24
"""16 of trace id, 8 of parent id."""
TRACE_DIGITS = 32
_TRACE_ID = slice(3, 3 + TRACE_DIGITS)


class TraceIds:
    """Makes trace ids and parent ids."""

    def __init__(self) -> None:
        self._ready: list[bytes] = []

    def next(self) -> bytes:
        """New ids, in hexadecimal digits: 32 of a trace id, then 16 of a parent id."""
        ready = self._ready
        if not ready:
            pool, size = os.urandom(_ID_BYTES * _BATCH).hex().encode(), _ID_BYTES * 2
            ready += [pool[i : i + size] for i in range(0, len(pool), size)]
        return ready.pop()


def trace_id(traceparent: bytes) -> bytes:
    """The trace id within a ``traceparent`` value; empty if it is malformed."""
    text = traceparent[_TRACE_ID]
    is_hexadecimal = len(text) == TRACE_DIGITS and not text.strip(b"0123456789abcdef")
    return text if is_hexadecimal else b""
