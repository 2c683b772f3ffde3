"""The one declared re-send: another backend is asked, before a byte of an answer has gone out.

The second answer counts unless it says no more than that the other side does not have it, or
cannot tell: then the first stands, so that nothing seems gone because its backend is down.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.errors import Source, UpstreamError, write_failure
from gateway.proxy.watch import Watch
from gateway.routing.decide import Forward, ReasonText
from gateway.routing.resend import UNAVAILABLE, Occasion, Resend, says_nothing
from gateway.telemetry.access_line import AccessLine

if TYPE_CHECKING:
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.lanes import WatchedLane

_WHATEVER = frozenset(Occasion)


class Another:
    """Who may be asked as well, and when."""

    __slots__ = ("lane", "resend")

    def __init__(self, resend: Resend, lane: WatchedLane) -> None:
        self.resend = resend
        self.lane = lane

    def is_for(self, error: UpstreamError) -> bool:
        """Whether to ask because there was no answer; not for our own fault or a customer's."""
        is_ours = error.source is Source.DOWNSTREAM or error.status not in UNAVAILABLE
        return self.resend.is_for_failures and not is_ours

    def first(self, meant: WatchedLane, reason: ReasonText) -> Watch:
        """Ask this one before the other, which is not expected to answer.

        Args:
            meant: The other. What it has to say still counts where this one has nothing.
            reason: Why the request was meant for it.
        """
        other_way = Resend(meant.backend.name, _WHATEVER, reason, insists=True)
        return Watch(self.lane, Another(other_way, meant))

    def ask(self, first: Watch, exchange: Exchange) -> None:
        """Ask, and let the better answer reach the customer."""
        decision = exchange.decision
        assert decision is not None  # noqa: S101 - the first backend was decided on
        first.counters.resent(self.resend.reason)
        second = Second(self, first, decision)
        exchange.lane = second
        exchange.decision = Forward(
            decision.route,
            self.resend.to,
            self.resend.reason,
            decision.bucket,
            decision.detail,
        )
        # From the start, as if nothing had been.
        exchange.connection, exchange.request_sent, exchange.attempts = None, False, 0
        exchange.touch(time.monotonic())
        exchange.attempt()


class Second(Watch):
    """The exchange with the other backend."""

    __slots__ = ("_decision", "_first", "_insists", "_is_settled")

    def __init__(self, another: Another, first: Watch, decision: Forward) -> None:
        """Ask after `first`, which `decision` was for."""
        super().__init__(another.lane)
        self._first = first
        self._decision = decision
        self._is_settled = False
        """Whether this is what the customer gets."""
        self._insists = another.resend.insists and first.error is None

    def tell(self, line: AccessLine) -> None:
        """Say as well whom the request went to at first, and what that came to."""
        first = self._first
        self.instead_of = first.backend.name
        self.because = _failure(first.error) if first.error else f"status:{first.status}"
        super().tell(line)

    def cancel(self, caller: Exchange) -> None:
        """Forget `caller`, and the first answer."""
        super().cancel(caller)
        self._first.drop()

    def abandon(self) -> None:
        """Give up both."""
        super().abandon()
        self._first.drop()

    @property
    def _may_turn_away(self) -> bool:
        return not self._is_settled

    def _settle(self, status: int) -> bool:
        super()._settle(status)
        if says_nothing(status) and not (self._insists and status in UNAVAILABLE):
            return True
        self._pass_on()
        return False

    def takes_over(self, exchange: Exchange, error: UpstreamError) -> bool:
        """Let the first answer stand, unless this one has begun to go out."""
        if self.error is not None or self._is_settled:
            return False
        self.error = error
        if error.source is Source.UPSTREAM:
            self._note(failed=True)
        if self._insists or error.status not in UNAVAILABLE or error.source is Source.DOWNSTREAM:
            self._pass_on()
            self._caller = None
            return False
        self.counters.failed(_failure(error))
        self._turn_away(exchange)
        return True

    def _turn_away(self, exchange: Exchange) -> None:
        self._leave(exchange)
        exchange.lane, exchange.decision = self._first, self._decision
        self._first.stand(exchange)

    def _pass_on(self) -> None:
        """This answer is the one."""
        self._is_settled = True
        if self._first.error is not None:
            self._first.counters.failed(_failure(self._first.error))
        self._first.drop()


def _failure(error: UpstreamError) -> str:
    return write_failure(error.stage, error.cause, error.source)
