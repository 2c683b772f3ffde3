"""What a worker hands over of an exchange that is to be tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from gateway.wire.messages import Header

MOST_BODY_BYTES = 8 * 1024 * 1024
"""Of a request and its answer, each: what is larger is not tried."""


class Poured(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What of an exchange has gone to control before it was over."""

    capture_id: int
    """Its own in the life of the worker."""
    request_bytes: int
    """Of the request's body, framing included."""
    answer_bytes: int


class Captured(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One exchange, as its backend got it and as it answered."""

    run: str
    route: str
    backend: str
    trace_id: str
    """Of the customer's request, 32 hexadecimal digits; empty if it had none that is understood."""
    request: bytes
    """Head and body as they were sent, framing included; of the body, what was not poured."""
    status: int
    """Of the answer; 0 if there was none that is complete."""
    counts_as: int
    """What it counts as, soft errors looked at; 0 as `status`."""
    head: bytes
    """The answer's head as it came; empty where `lines` has its fields."""
    lines: list[Header]
    reason: bytes
    body: bytes
    """Of the answer, its transfer coding removed; what was not poured."""
    ended_at_s: float
    """Seconds since 1970."""
    duration_s: float
    first_byte_s: float | None
    failure: str
    """``stage:cause:source`` where there is no complete answer; else empty."""
    poured: Poured | None = None
    """None where all of it is here."""


class Way(Protocol):
    """The way to one control, for bodies that are too large for a worker; nobody ever waits."""

    @property
    def is_open(self) -> bool:
        """Whether that control is still there."""

    @property
    def is_crowded(self) -> bool:
        """Whether no further capture should begin to go there."""

    def pour(self, capture_id: int, side: int, pieces: Sequence[bytes]) -> bool:
        """Send on bytes of a body, of the request (side 0) or the answer (1); whether they went."""

    def give_up(self, capture_ids: Sequence[int]) -> bool:
        """Tell that nothing comes of some captures; whether that went."""


LeftOut = tuple[str, str, str, int, str, int]
"""Run, method, template of the path, class of the status, class of the trial, how many. Of those
not sampled, only run, class and how many say something."""
EndedHere = dict[str, dict[str, int]]
"""Run -> class of the trial, or `OFFERED` -> how many."""
OFFERED = "offered"
"""Handed over to control, which ends them."""
