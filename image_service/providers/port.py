"""What the service asks of whoever paints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from image_service.contract import Order
from image_service.providers.usage import Outcome, Usage

__all__ = [
    "Call",
    "Deliver",
    "Outcome",
    "Painted",
    "Partial",
    "Provider",
    "Rest",
    "Usage",
    "rest_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """A picture on its way: what can be shown before it is done.

    Attributes:
        index: 0 for the first; no index comes twice in a call.
        content: An encoded picture, complete in itself.
    """

    index: int
    content: bytes


Deliver = Callable[[Partial], Awaitable[None]]
"""Takes a partial picture; what it raises is logged and does not end the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The circumstances of one call, all optional.

    Attributes:
        traceparent: Passed on as the header of that name (W3C Trace Context); None for none.
        on_partial: Awaited for each partial picture; None asks for none, which costs less.
        deadline_s: How many seconds the whole call may take, own repetitions and waits included;
            None leaves it to the provider's own limit.
        safety_identifier: A hash that stands for the customer in the provider's abuse reports;
            never a name or an address.
    """

    traceparent: str | None = None
    on_partial: Deliver | None = None
    deadline_s: float | None = None
    safety_identifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """A picture that came.

    Attributes:
        content: The picture. From a checked provider: PNG, RGB, exactly as large as ordered.
        provider: Who painted it: ``procedural`` or ``openai/<model>``.
        usage: What it used; None when the provider does not say.
        original: What came, byte for byte, where ``content`` had to be made from it; it may carry
            a signed provenance. None when ``content`` is what came.
    """

    content: bytes
    provider: str
    usage: Usage | None = None
    original: bytes | None = None


class Provider(Protocol):
    """Paints pictures. The caller alone may order the same picture twice.

    A provider repeats a call on its own only where nothing can have been bought by the first.
    """

    @property
    def name(self) -> str:
        """Who paints, for the record; several with commas, in the order in which they are asked."""

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Return a picture.

        Cancelling it ends the call at once; whether something was bought is unknown then.

        Raises:
            PictureError: There is none. ``kind`` says why, ``outcome`` what became of the money,
                ``provider`` who was asked last.
        """

    async def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A provider is left alone for a while.

    Attributes:
        for_s: How much longer, in seconds; 0 when that is over, but not yet known to have helped.
        may_try: Whether one order may go there now, to see.
    """

    for_s: float
    may_try: bool


@runtime_checkable
class Rests(Protocol):
    """A provider that may be left alone."""

    @property
    def rest(self) -> Rest | None:
        """How it is left alone at present; None when anybody may ask."""


def rest_of(provider: Provider) -> Rest | None:
    """Return how a provider is left alone; None when it is not, or never is."""
    return provider.rest if isinstance(provider, Rests) else None
