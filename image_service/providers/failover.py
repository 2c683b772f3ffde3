"""Several providers in order: the next is asked only where the one before bought nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from image_service.contract import Order
from image_service.errors import ModerationError, PictureError, RejectedError, UnavailableError
from image_service.providers.breaker import Breaker
from image_service.providers.port import Call, Painted, Provider, Rest

_LOG = logging.getLogger("image_service.providers.failover")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of several providers.

    Attributes:
        provider: Who is asked.
        can_paint: Whether it makes what is ordered; asked before every order.
    """

    provider: Provider
    can_paint: Callable[[Order], bool]


def may_ask_another(error: PictureError) -> bool:
    """Whether a failed order may go to another provider.

    Not when something was or may have been bought. Not when the words were forbidden either:
    nobody shops around for whoever looks away.
    """
    return error.outcome == "not_bought" and not isinstance(error, ModerationError)


def next_member(
    able: Collection[int], breakers: Sequence[Breaker], asked: Collection[int], now: float
) -> int | None:
    """Return who is asked next, by its place in the order; None when nobody is left.

    Args:
        able: The places of those that make what is ordered.
        breakers: What is known about each.
        asked: The places of those that have failed this order.
        now: In the breakers' seconds.
    """
    for place, breaker in enumerate(breakers):
        if place in able and place not in asked and breaker.may_be_asked(now):
            return place
    return None


class Failover:
    """Asks the first provider that can and is well.

    Args:
        members: In the order of preference, at least one.
        monotonic: A clock in seconds.
    """

    def __init__(self, members: Sequence[Member], *, monotonic: Callable[[], float]) -> None:
        self._members = tuple(members)
        self._monotonic = monotonic
        self._breakers = [Breaker()] * len(self._members)

    @property
    def name(self) -> str:
        """All of their names, with commas, in order."""
        return ",".join(member.provider.name for member in self._members)

    @property
    def rest(self) -> Rest | None:
        """How long all of them are left alone; None when one may be asked by anybody."""
        now = self._monotonic()
        ends = [breaker.rests_until for breaker in self._breakers]
        waits = [max(end - now, 0.0) for end in ends if end is not None]
        if len(waits) < len(ends):
            return None
        may_try = any(breaker.may_be_asked(now) for breaker in self._breakers)
        return Rest(for_s=min(waits), may_try=may_try)

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Ask one after the other until a picture comes or may have been bought.

        Raises:
            PictureError: That of the provider asked last. RejectedError when none makes what is
                ordered; UnavailableError, with the time to wait, when all of those rest.
        """
        able = {at for at, member in enumerate(self._members) if member.can_paint(order)}
        if not able:
            raise RejectedError(f"no provider makes pictures of {order.size}")
        ends_at = None if call.deadline_s is None else self._monotonic() + call.deadline_s
        asked: list[int] = []
        last: PictureError | None = None
        while True:
            now = self._monotonic()
            place = next_member(able, self._breakers, asked, now)
            if place is None:
                raise last or self._all_rest(able, now)
            left_s = None if ends_at is None else ends_at - now
            try:
                return await self._ask(place, order, dataclasses.replace(call, deadline_s=left_s))
            except PictureError as error:
                if not may_ask_another(error):
                    raise
                last = error
                asked.append(place)

    async def close(self) -> None:
        """Close all of them."""
        await asyncio.gather(*(member.provider.close() for member in self._members))

    async def _ask(self, place: int, order: Order, call: Call) -> Painted:
        """Ask one, and remember how it went."""
        provider = self._members[place].provider
        self._breakers[place] = self._breakers[place].asked()
        try:
            painted = await provider.paint(order, call=call)
        except PictureError as error:
            self._breakers[place] = self._breakers[place].failed(error, self._monotonic())
            _LOG.warning(
                "provider_failed name=%s kind=%s outcome=%s reason=%r",
                provider.name,
                error.kind,
                error.outcome,
                error.reason,
            )
            raise
        except BaseException:
            # Cancelled: that tells nothing about the provider.
            self._breakers[place] = self._breakers[place].abandoned()
            raise
        self._breakers[place] = self._breakers[place].succeeded()
        return painted

    def _all_rest(self, able: Collection[int], now: float) -> UnavailableError:
        waits = [self._breakers[place].rests_until or now for place in able]
        return UnavailableError(
            "every provider that can paint this is left alone for a while",
            outcome="not_bought",
            retry_after_s=max(0.0, min(waits) - now),
        )
