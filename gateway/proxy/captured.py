"""What a worker hands over of an exchange that is to be tried."""

from __future__ import annotations

import msgspec

from gateway.wire.messages import Header


class Captured(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One exchange, as its backend got it and as it answered."""

    run: str
    route: str
    backend: str
    trace_id: str
    """Of the customer's request, 32 hexadecimal digits; empty if it had none that is understood."""
    request: bytes
    """Head and body as they were sent, framing included."""
    status: int
    """Of the answer; 0 if there was none that is complete."""
    counts_as: int
    """What it counts as, soft errors looked at; 0 as `status`."""
    head: bytes
    """The answer's head as it came; empty where `lines` has its fields."""
    lines: list[Header]
    reason: bytes
    body: bytes
    """Of the answer, its transfer coding removed."""
    ended_at_s: float
    """Seconds since 1970."""
    duration_s: float
    first_byte_s: float | None
    failure: str
    """``stage:cause:source`` where there is no complete answer; else empty."""


LeftOut = tuple[str, str, str, int, str, int]
"""Run, method, template of the path, class of the status, class of the trial, how many. Of those
not sampled, only run, class and how many say something."""
EndedHere = dict[str, dict[str, int]]
"""Run -> class of the trial, or `OFFERED` -> how many."""
OFFERED = "offered"
"""Handed over to control, which ends them."""
