"""``traceparent`` (W3C Trace Context), carried from a customer's request to what it asks of others.

The shop's own code knows nothing of it, as it would not with a tracing agent, which puts itself
around the server's handler and the client's call and needs no change in between.
"""

from __future__ import annotations

import re
from contextvars import ContextVar

_FORM = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?")
_MOST_CHARACTERS = 200
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def enter(value: str) -> None:
    """Take the header of the request that this thread handles from now on; else than one: none."""
    is_one = len(value) <= _MOST_CHARACTERS and _FORM.fullmatch(value) is not None
    _traceparent.set(value if is_one else "")


def headers() -> dict[str, str]:
    """Return what a call to others has to say, on the thread that handles the request."""
    value = _traceparent.get()
    return {"traceparent": value} if value else {}
