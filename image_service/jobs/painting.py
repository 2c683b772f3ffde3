"""One call to the provider, from the order to the picture and its price."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from image_service.blobs import BlobStore
from image_service.errors import PictureError
from image_service.jobs.customers import safety_identifier
from image_service.jobs.entries import Entry
from image_service.jobs.journal import Note
from image_service.jobs.rests import Rests
from image_service.jobs.states import Failure
from image_service.jobs.tracing import continued
from image_service.ledger.prices import Prices, UnknownModelError
from image_service.providers.port import Call, Painted, Partial, Provider, Rest, rest_of
from image_service.providers.usage import Usage

Deliver = Callable[[int, str], Awaitable[None]]
"""Takes the number and the sha256 of a partial picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A picture that came, what it cost, and how long the call took."""

    painted: Painted
    cost: int
    provider_s: float = 0.0

    @property
    def painted_by(self) -> str:
        """Who painted it, as long as the column that keeps it."""
        return self.painted.provider[:64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Painting:
    """How a call ended: with a picture, or a failure and what the log is told of it."""

    result: Bought | Failure
    note: Note
    reason: str = ""


class Painter:
    """Calls the provider, and keeps what it sends on the way."""

    def __init__(
        self, *, provider: Provider, blobs: BlobStore, prices: Prices, rests: Rests
    ) -> None:
        self._provider = provider
        self.rests = rests
        self._blobs = blobs
        self._prices = prices

    @property
    def name(self) -> str:
        """Who paints."""
        return self._provider.name

    @property
    def rest(self) -> Rest | None:
        """How the provider is left alone at present; None when it is not."""
        return rest_of(self._provider)

    async def tell_of_rest(self, *, has_painted: bool = False) -> None:
        """Let those who wait know, in this process and in others."""
        await self.rests.tell(self.name, self.rest, has_painted=has_painted)

    async def paint(self, entry: Entry, deliver: Deliver, *, left_s: float | None) -> Painting:
        """Make one call; ``left_s`` is the time until the job's deadline.

        Raises:
            TimeoutError: The deadline passed; what became of the call is unknown.
        """

        async def keep_partial(partial: Partial) -> None:
            await deliver(partial.index, await self._blobs.put(partial.content))

        call = Call(
            traceparent=continued(entry.traceparent, noise=secrets.randbits(192)),
            on_partial=keep_partial if entry.wants_partials else None,
            deadline_s=left_s,
            safety_identifier=safety_identifier(entry.customer),
        )
        try:
            async with asyncio.timeout(left_s):
                painted = await self._provider.paint(entry.order, call=call)
        except PictureError as error:
            return self._failed(error)
        return self._bought(entry, painted)

    def _failed(self, error: PictureError) -> Painting:
        provider = error.provider or self.name
        failure = Failure(
            kind=error.kind,
            outcome=error.outcome,
            cost=self._cost(provider, error.usage),
            retry_after_s=error.retry_after_s,
        )
        note = Note(provider=provider, usage=error.usage)
        return Painting(result=failure, note=note, reason=error.reason)

    def _bought(self, entry: Entry, painted: Painted) -> Painting:
        cost = self._cost(painted.provider, painted.usage)
        # Who does not say what was used is believed to have used all of it.
        bought = Bought(painted=painted, cost=entry.job.price if cost is None else cost)
        return Painting(result=bought, note=Note(provider=painted.provider, usage=painted.usage))

    def _cost(self, provider: str, usage: Usage | None) -> int | None:
        try:
            return self._prices.cost(provider, usage)
        except UnknownModelError:
            # A provider that answers under another model's name: count what was reserved.
            return None
