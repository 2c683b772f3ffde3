"""``traceparent`` (W3C Trace Context), decided purely."""

from __future__ import annotations

import re

_FORM = re.compile(
    "(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?"
)


def continued(traceparent: str | None, *, noise: int) -> str:
    """Name a new span of the trace that a request belongs to, or of a new one.

    Args:
        traceparent: The request's header; None and what is malformed begin a new trace.
        noise: At least 192 random bits.
    """
    span = f"{noise & (2**64 - 1) or 1:016x}"
    found = _FORM.fullmatch(traceparent or "")
    if found is None:
        return f"00-{noise >> 64 & (2**128 - 1) or 1:032x}-{span}-00"
    return f"00-{found[1]}-{span}-{found[2]}"
