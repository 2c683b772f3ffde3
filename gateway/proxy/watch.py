"""A request that is watched on its way to a backend.

It stands between an exchange and a connection, is either to the other, and passes everything on as
it comes. Only where another backend may be asked as well, an answer is kept back until it is clear
that it is the one; nothing of it has gone out then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.errors import Source, UpstreamError
from gateway.proxy.link import Link
from gateway.proxy.tunnel import Tunnel
from gateway.resilience.soft_errors import FIRST_FAILURE, is_json
from gateway.telemetry.access_line import AccessLine
from gateway.wire.inbound import Body
from gateway.wire.messages import Header, Piece
from gateway.wire.response import Outbound, content_type

if TYPE_CHECKING:
    from gateway.proxy.capture import Capture
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.lanes import WatchedLane
    from gateway.proxy.ports import Connection
    from gateway.proxy.second import Another
    from gateway.telemetry.counters import LaneCounters

_LENGTH = Body.LENGTH


class Watch(Link):
    """One exchange with one backend."""

    capture: Capture | None = None
    """Who remembers what passes; None if nobody does."""
    __slots__ = (
        "_another",
        "_began_s",
        "_has_ended",
        "_is_away",
        "_is_kept",
        "_is_looked_into",
        "_is_trial",
        "_lane",
        "_outbound",
        "_pieces",
        "_trailers",
        "also_asked",
        "because",
        "counts_as",
        "error",
        "instead_of",
        "status",
    )

    def __init__(self, lane: WatchedLane, another: Another | None = None) -> None:
        """Watch over a request on `lane`; `another` is who may be asked as well."""
        super().__init__(lane.source)
        self._lane = lane
        self._another = another
        self._began_s = 0.0
        self._outbound: Outbound | None = None
        self._pieces: list[Piece] = []
        self._trailers: Sequence[Header] = ()
        self._has_ended = False
        self._is_looked_into = False
        """Whether the body may tell another status than the head."""
        self._is_kept = False
        """Whether nothing of the answer is passed on for now."""
        self._is_away = False
        """Whether another backend is being asked meanwhile."""
        self._is_trial = False
        self.status = 0
        """What the answer counts as; 0 before that is known."""
        self.counts_as = 0
        """The same where it is not what the answer says; else 0."""
        self.error: UpstreamError | None = None
        """Why there was no answer, or no more of it."""
        self.also_asked = ""
        """The other backend that was asked."""
        self.instead_of = ""
        """The backend that was decided on, if it was another."""
        self.because = ""
        """Why it was not left at that."""

    # A lane of its own

    @property
    def pool(self) -> Watch:
        """Where the exchange gets its connection."""
        return self

    @property
    def watch(self) -> Watch:
        """Who watches."""
        return self

    @property
    def counters(self) -> LaneCounters:
        """Of the route and the backend."""
        return self._lane.counters

    @property
    def authority(self) -> bytes:
        """Host for a request that brought none."""
        return self._lane.authority

    def tell(self, line: AccessLine) -> None:
        """Add what the access line says of watched requests alone."""
        line.counts_as, line.also_asked = self.counts_as, self.also_asked
        line.instead_of, line.because = self.instead_of, self.because

    def begin_trial(self) -> None:
        """Show whether the backend is well again."""
        self._is_trial = self._lane.state.is_trial_running = True

    def _end_trial(self) -> None:
        if self._is_trial:
            self._is_trial = self._lane.state.is_trial_running = False

    # Lender

    def acquire(self, caller: Exchange, *, fresh: bool = False) -> None:
        """Get a connection for `caller`."""
        self._caller = caller
        self._began_s = time.monotonic()
        self._source.acquire(self, fresh=fresh)

    def cancel(self, caller: Exchange) -> None:
        """Forget `caller`, who waits for a connection."""
        del caller
        self._caller = None
        self._end_trial()
        self._source.cancel(self)

    # Connection

    def abandon(self) -> None:
        """Give the connection up."""
        self._caller = None
        self._end_trial()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abandon()

    def release_answer(self) -> None:
        """Read on."""
        if self._connection is not None and not self._is_away:
            self._connection.release_answer()

    # Caller

    def connected(self, connection: Connection) -> None:
        """Pass it on, as one of our own."""
        self._connection = connection
        if self._caller is None:
            self.abandon()
        else:
            self._caller.connected(self)

    def failed(self, error: UpstreamError) -> None:
        """Pass it on; the exchange asks `takes_over` if there is nothing left to try here."""
        if self._is_away:
            self._connection, self.error = None, error
        elif (caller := self._caller) is not None:
            # With the connection still in sight, by which the exchange sees if it may try again.
            caller.failed(error)

    def answer_interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """Pass it on, unless another backend may answer in the end."""
        if self._caller is None:
            return
        if self._may_turn_away:
            self._caller.touch(time.monotonic())
        else:
            self._caller.answer_interim(status, reason, headers)

    def answer(self, outbound: Outbound | None, pieces: Sequence[Piece]) -> None:
        """Pass on what has come of the answer, or keep it back."""
        caller = self._caller
        if caller is None:
            # There may have been more in what was read already.
            self._pieces += pieces
            return
        is_turned = outbound is not None and self._begin(outbound)
        if self._outbound is not None:
            self._pieces += pieces
        if is_turned:
            self._turn_away(caller)
        elif not self._is_kept:
            caller.answer(outbound, pieces)

    def answer_flush(self) -> None:
        """Pass it on."""
        if self._caller is not None and not self._is_kept:
            self._caller.answer_flush()

    def answer_end(
        self, outbound: Outbound | None, pieces: Sequence[Piece], trailers: Sequence[Header]
    ) -> None:
        """Pass on the last of the answer, and what was kept back of it."""
        caller, self._caller, self._connection = self._caller, None, None
        self._has_ended, self._trailers = True, trailers
        is_turned = caller is not None and outbound is not None and self._begin(outbound)
        if self._outbound is not None:
            self._pieces += pieces
            if self._is_looked_into:
                is_turned = self._look_into(self._outbound)
        if caller is None:
            return
        if is_turned:
            self._turn_away(caller)
        elif self._is_kept:
            caller.answer_end(self._outbound, self._pieces, trailers)
        else:
            caller.answer_end(outbound, pieces, trailers)

    def answer_switch(self, outbound: Outbound, tunnel: Tunnel) -> None:
        """Pass it on: what follows is nobody's answer."""
        caller, self._caller, self._connection = self._caller, None, None
        self._settle(outbound.status)
        if caller is not None:
            caller.answer_switch(outbound, tunnel)

    # Judging

    @property
    def _may_turn_away(self) -> bool:
        return self._another is not None

    def _begin(self, outbound: Outbound) -> bool:
        """Look at the head; whether the answer is not passed on, but another backend asked."""
        rules = self._lane.state.soft_errors
        may_match = (
            rules is not None
            and outbound.body is _LENGTH
            and rules.may_match(outbound.status, outbound.length)
            and is_json(content_type(outbound))
        )
        if may_match:
            self._outbound = outbound
            self._is_looked_into = True
            self._is_kept = self._may_turn_away
            return False
        if not self._settle(outbound.status):
            return False
        self._outbound, self._is_kept = outbound, True
        return True

    def _look_into(self, outbound: Outbound) -> bool:
        """Look at the body, now that it is all there; whether another backend is to be asked."""
        rules = self._lane.state.soft_errors
        assert rules is not None  # noqa: S101 - they had it looked into
        self._is_looked_into = False
        status = rules.status_of(outbound.status, b"".join(self._pieces))
        if status != outbound.status:
            self.counts_as = status
            self.counters.soft(status)
        return self._settle(status)

    def _settle(self, status: int) -> bool:
        """Note what the answer counts as; whether another backend is to be asked."""
        self.status = status
        self._note(failed=status >= FIRST_FAILURE)
        return self._another is not None and self._another.resend.wants(status)

    def _note(self, *, failed: bool) -> None:
        state = self._lane.state
        if state.has_breaker:
            state.note(failed=failed, began_s=self._began_s)
        self._end_trial()

    # Another backend

    def takes_over(self, exchange: Exchange, error: UpstreamError) -> bool:
        """Whether the exchange goes on though this has failed for good; then no more of it comes.

        Asked again after a no, it says no.
        """
        another = self._another
        if self.error is not None:
            return False
        self.error = error
        if error.source is Source.UPSTREAM:
            self._note(failed=True)
        self._end_trial()
        if another is None or exchange.status or not another.is_for(error):
            self._caller = None
            return False
        self._leave(exchange)
        self._ask(another, exchange)
        return True

    def _leave(self, exchange: Exchange) -> None:
        """Hear nothing more of this backend."""
        if self._connection is not None:
            Watch.abandon(self)
        else:
            Watch.cancel(self, exchange)

    def _turn_away(self, exchange: Exchange) -> None:
        """Keep the answer for the case that no better one is found, and ask elsewhere."""
        another = self._another
        assert another is not None  # noqa: S101 - the answer was turned away for its sake
        self._caller, self._is_away = None, True
        if self._connection is not None:
            self._connection.hold_answer()
        self._ask(another, exchange)

    def _ask(self, another: Another, exchange: Exchange) -> None:
        self._another = None
        self.also_asked = another.resend.to
        another.ask(self, exchange)

    def stand(self, exchange: Exchange) -> None:
        """Answer with what this came to after all: nobody else had more to say."""
        self._is_away = self._is_kept = False
        if (error := self.error) is not None:
            exchange.failed(error)
        elif self._has_ended:
            exchange.answer_end(self._outbound, self._pieces, self._trailers)
        else:
            self._caller = exchange
            exchange.connection, exchange.request_sent = self, True
            exchange.touch(time.monotonic())
            outbound, self._outbound = self._outbound, None
            pieces, self._pieces = self._pieces, []
            exchange.answer(outbound, pieces)
            exchange.answer_flush()
            if not exchange.is_answer_held:
                self.release_answer()

    def drop(self) -> None:
        """Let go of an answer that was kept: there is a better one."""
        self._is_away = False
        self._pieces = []
        self.abandon()
