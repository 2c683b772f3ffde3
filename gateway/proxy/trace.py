"""Trace context for requests that bring none (W3C Trace Context, section 3.2)."""

from __future__ import annotations

import os

_BATCH = 256
"""Ids made from one read of the system's randomness: a call costs as much as 60 ids."""
_ID_BYTES = 24
"""16 of trace id, 8 of parent id."""
_TRACE_ID = slice(3, 35)


class TraceIds:
    """Makes traceparent lines."""

    def __init__(self) -> None:
        self._ready: list[tuple[bytes, str]] = []

    def next(self) -> tuple[bytes, str]:
        """A new field line with its CRLF (version 00, sampled), and its trace id."""
        if not self._ready:
            pool = os.urandom(_ID_BYTES * _BATCH).hex()
            self._ready = [
                (
                    f"traceparent: 00-{pool[i : i + 32]}-{pool[i + 32 : i + 48]}-01\r\n".encode(),
                    pool[i : i + 32],
                )
                for i in range(0, len(pool), _ID_BYTES * 2)
            ]
        return self._ready.pop()


def trace_id(traceparent: bytes) -> str:
    """The trace id within a ``traceparent`` value; empty if it is malformed."""
    text = traceparent[_TRACE_ID]
    is_hexadecimal = len(text) == 32 and not text.strip(b"0123456789abcdef")  # noqa: PLR2004
    return text.decode() if is_hexadecimal else ""
