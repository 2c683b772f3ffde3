"""When another backend is asked as well: one declared re-send, and who gets it.

Never for a request whose owner is known: nobody else can have what it asks for, and what the other
side says of it would be a lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.routing.decide import Reason, ReasonText
from gateway.routing.snapshot import Backend, Owner

MISS: Final = 404
"""What a side says of a resource that it does not have; 410 would know that there was one."""
UNAVAILABLE: Final = frozenset({502, 503, 504})
"""What a side says of itself when it cannot answer."""
_NOT_OWNED: tuple[ReasonText, ...] = (
    Reason.BACKEND,
    Reason.STICKY,
    Reason.DRAW,
    Reason.MOVED,
    Reason.OWNER_UNKNOWN,
)


class Occasion(Enum):
    """What the first answer must have come to."""

    UNAVAILABLE = "unavailable"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class Resend:
    """Ask `to` as well, once, if the first backend comes to something in `on`."""

    to: str
    on: frozenset[Occasion]
    reason: ReasonText
    """Under which the second answer is recorded."""
    insists: bool = False
    """Whether a miss of the first is passed on only if the other has been heard; else the customer
    is told that the other is unavailable."""

    def wants(self, status: int) -> bool:
        """Whether an answer that counts as `status` is an occasion."""
        if status == MISS:
            return Occasion.MISS in self.on
        return status in UNAVAILABLE and Occasion.UNAVAILABLE in self.on

    @property
    def is_for_failures(self) -> bool:
        """Whether the lack of any answer is an occasion."""
        return Occasion.UNAVAILABLE in self.on


def says_nothing(status: int) -> bool:
    """Whether a second answer that counts as `status` tells no more than the first."""
    return status == MISS or status in UNAVAILABLE


def resends_of(backend: Backend) -> dict[ReasonText, Resend]:
    """What is declared for requests that go to `backend`, by who decided that they do."""
    if backend.fallback is None:
        return {}
    on = frozenset({Occasion.UNAVAILABLE})
    resend = Resend(backend.fallback.to, on, Reason.FALLBACK)
    return dict.fromkeys(_NOT_OWNED, resend)


def second_look_of(owner: Owner | None, backend: Backend) -> dict[ReasonText, Resend]:
    """What is declared for ids whose owner is unknown, if they go to `backend`.

    It stands before the backend's fallback, for there is one re-send; if both lead to the same, it
    is one for either occasion.
    """
    if owner is None or owner.second_look is None or owner.unknown != backend.name:
        return {}
    on = {Occasion.MISS}
    if backend.fallback is not None and backend.fallback.to == owner.second_look:
        on.add(Occasion.UNAVAILABLE)
    resend = Resend(owner.second_look, frozenset(on), Reason.SECOND_LOOK, insists=True)
    return {Reason.OWNER_UNKNOWN: resend}
