"""Connections to one backend: the warmest first, never more than allowed, waiting in order.

A caller waits for any connection, not for one of its own: whichever comes first, given back or
newly made, serves whoever has waited longest.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from gateway.errors import Cause, Source, Stage, UpstreamError
from gateway.proxy.addresses import Addresses, AddressReport, AddressState
from gateway.proxy.dialling import Dialler
from gateway.proxy.spawn import spawn
from gateway.telemetry.events import Event, write_event

if TYPE_CHECKING:
    from gateway.proxy.ports import Caller, Connection
    from gateway.proxy.upstream import UpstreamConnection
    from gateway.resilience.ejection import Standing
    from gateway.routing.snapshot import Backend

_IDLE_LIFETIME_S = 4.0
"""Shorter than the 5 s after which uvicorn, Node and others close an idle connection: the backend
would close it just as the next request leaves, and a POST cannot be repeated. The sweep sees to it;
between two sweeps nobody looks at a clock."""
_MOST_TRIED = 3
"""Addresses that one request waits for: it is seldom that so many fail and are not left out yet."""
_log = logging.getLogger("figueira")


class Pool:
    """Lends connections to callers. LIFO: few warm connections beat many cooling ones."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._most_open = backend.max_connections
        waiting = backend.max_waiting
        self._most_waiting = backend.max_connections if waiting is None else waiting
        self._dialler = Dialler(backend)
        self._addresses = Addresses(backend.addresses)
        self._sole = self._addresses.sole
        self._address_of: dict[UpstreamConnection, AddressState] = {}
        """Connections that stand. One that never came to stand was never lent."""
        self._waiting: deque[Caller] = deque()
        self._dials = 0
        """Connections that are being made for those who wait."""
        self._most_uploads = max(1, backend.max_connections // 2)
        self._uploads = 0
        self._is_closed = False
        self._now_s = time.monotonic()
        self.open_connections = 0
        """Connections that stand or are being made."""
        self.changed: Callable[[], None] = _tell_nobody
        """Called when something else may be thought of an address than before."""

    def acquire(self, caller: Caller, *, fresh: bool = False) -> None:
        """Get `caller` a connection; it hears `connected` or `failed`, perhaps at once.

        Args:
            caller: Who wants one.
            fresh: Whether one that has been idle will not do (a retry).
        """
        state = self._sole or self._addresses.choose()
        while state.idle and not fresh:
            connection = state.idle.pop()
            if not connection.is_closing():
                connection.begin(caller)
                caller.connected(connection)
                return
        self._acquire_slowly(caller, state, fresh=fresh)

    def _acquire_slowly(self, caller: Caller, state: AddressState, *, fresh: bool) -> None:
        if self.open_connections < self._most_open:
            self._waiting.append(caller)
            self._start_dial(state)
        elif not fresh and (connection := self._addresses.take_idle()) is not None:
            self._lend(connection, caller)
        elif len(self._waiting) - self._dials < self._most_waiting:
            self._waiting.append(caller)
            if fresh and (stale := self._addresses.take_idle()) is not None:
                # Its end makes room.
                stale.abandon()
        else:
            detail = f"{self.open_connections} connections open, {len(self._waiting)} waiting"
            caller.failed(UpstreamError(Stage.QUEUE, Source.INTERNAL, Cause.OVERLOAD, detail))

    def cancel(self, caller: Caller) -> None:
        """Forget a caller that waits. What is being made for it will serve another."""
        if caller in self._waiting:
            self._waiting.remove(caller)

    def give_back(self, connection: UpstreamConnection) -> None:
        """Take a clean connection back, its answer complete: for the next in line, or to keep."""
        state = self._sole or self._address_of[connection]
        if state.standing.failures:
            self._note_answer(state)
        if self._waiting:
            self._lend(connection, self._waiting.popleft())
        elif self._is_closed:
            connection.abandon()
        else:
            connection.idle_since_s = self._now_s
            state.idle.append(connection)

    def forget(self, connection: UpstreamConnection, *, unanswered: bool = False) -> None:
        """Note that a connection is gone; its place is free.

        Args:
            connection: One of this pool, or one that ended before it had been lent.
            unanswered: Whether it ended by the backend's doing, with a request on it and without a
                byte of an answer. One that had served before may just have grown too old, which
                counts on probation alone.
        """
        state = self._address_of.pop(connection, None)
        if state is None:
            return
        state.opened -= 1
        self.open_connections -= 1
        if connection in state.idle:
            state.idle.remove(connection)
        elif unanswered and (not connection.is_reused or state.standing.is_on_probation):
            self._note_failure(state, "closed without an answer")
        elif connection.has_answered and state.standing.failures:
            self._note_answer(state)
        self._dial_for_waiting()

    def blame(self, connection: Connection | None) -> None:
        """Note that a request on `connection` was not answered in time."""
        state = self._address_of.get(cast("UpstreamConnection", connection))
        if state is not None:
            self._note_failure(state, "no answer in time")

    def note_probes(self, is_ill: Mapping[str, bool]) -> None:
        """Take what probes say, by address as in a URL; those not named are as they were."""
        for state in self._addresses:
            standing = state.standing
            standing.is_probed_ill = is_ill.get(str(state.address), standing.is_probed_ill)
        self._addresses.settle()
        self.changed()

    @property
    def in_flight(self) -> int:
        """Requests under way, those that wait for a connection included."""
        idle = sum(len(state.idle) for state in self._addresses)
        return self.open_connections - idle + len(self._waiting) - self._dials

    @property
    def standings(self) -> list[Standing]:
        """What is thought of each address."""
        return [state.standing for state in self._addresses]

    def begin_upload(self) -> bool:
        """Whether a request may have a connection though its body is still to come.

        Half of the connections, and no more, wait on customers: whoever sends slowly keeps none
        from those who have said what they want.
        """
        if self.is_crowded:
            return False
        self._uploads += 1
        return True

    def end_upload(self) -> None:
        """Note that such a body is complete, or given up."""
        self._uploads -= 1

    @property
    def is_crowded(self) -> bool:
        """Whether as many requests are being sent as they come in as may be."""
        return self._uploads >= self._most_uploads

    @property
    def is_wanted(self) -> bool:
        """Whether a caller waits for a connection."""
        return bool(self._waiting)

    def sweep(self, now_s: float) -> None:
        """Close what has been idle too long; see whether what was left out is well again.

        Args:
            now_s: Monotonic time in seconds. It holds until the next sweep.
        """
        self._now_s = now_s
        for state in self._addresses:
            idle = state.idle
            while idle and now_s - idle[0].idle_since_s >= _IDLE_LIFETIME_S:
                idle.pop(0).abandon()
            if state.standing.is_due(now_s) and not (state.is_tried or self._is_closed):
                self._try_again(state)

    def report(self) -> list[AddressReport]:
        """Where each address stands, in the order of routes.yaml."""
        return self._addresses.report()

    def close(self) -> None:
        """Keep nothing any more; requests in flight end in peace."""
        self._is_closed = True
        for state in self._addresses:
            while state.idle:
                state.idle.pop().abandon()

    def _lend(self, connection: UpstreamConnection, caller: Caller) -> None:
        connection.begin(caller)
        caller.connected(connection)

    # Making connections

    def _start_dial(self, state: AddressState) -> None:
        self.open_connections += 1
        self._dials += 1
        state.opened += 1
        spawn(self._dial(state), f"connect-{self.backend.name}")

    def _dial_for_waiting(self) -> None:
        """Make a connection if somebody waits for whom none is being made."""
        if len(self._waiting) > self._dials and self.open_connections < self._most_open:
            self._start_dial(self._addresses.choose())

    async def _dial(self, state: AddressState) -> None:
        """Try one address after the other; nothing has been sent, so any request may wait."""
        tried: list[AddressState] = []
        failures: list[UpstreamError] = []
        while True:
            try:
                connection = await self._connect(state)
            except UpstreamError as error:
                failures.append(error)
            else:
                self._dials -= 1
                self._place(connection, state)
                return
            tried.append(state)
            untried = self._addresses.choose_but(tried)
            if untried is None or len(tried) == _MOST_TRIED or not self._waiting:
                break
            state = untried
            state.opened += 1
        self._dials -= 1
        self.open_connections -= 1
        if len(self._waiting) > self._dials:
            self._waiting.popleft().failed(_sum_up(failures))
        self._dial_for_waiting()

    async def _connect(self, state: AddressState) -> UpstreamConnection:
        """Make one connection, which is counted already, and learn from how that goes.

        Raises:
            UpstreamError: It cannot be made.
        """
        try:
            connection = await self._dialler.dial(state.address, self)
        except UpstreamError as error:
            state.opened -= 1
            self._note_failure(state, error.detail)
            raise
        self._address_of[connection] = state
        connection.address = state.name
        self._take_in(state)
        return connection

    def _place(self, connection: UpstreamConnection, state: AddressState) -> None:
        """Let a new connection serve whoever waits; else keep it."""
        if self._waiting:
            self._lend(connection, self._waiting.popleft())
        elif self._is_closed:
            connection.abandon()
        else:
            # By the time it serves, it may be stale like one that has served before.
            connection.is_reused = True
            connection.idle_since_s = self._now_s
            state.idle.append(connection)

    # Addresses that fail

    def _note_failure(self, state: AddressState, why: str) -> None:
        if state.standing.failed(self._now_s, random.random()):  # noqa: S311 - chance, not secrets
            self._addresses.settle()
            self._say(Event.ADDRESS_EJECTED, state, why=why)
            self.changed()

    def _note_answer(self, state: AddressState) -> None:
        state.standing.answered()
        self.changed()

    def _take_in(self, state: AddressState) -> None:
        if state.standing.connected():
            self._addresses.settle()
            self._say(Event.ADDRESS_READMITTED, state)
            self.changed()

    def _try_again(self, state: AddressState) -> None:
        """Connect to an address that is left out, so that no customer has to wait for it."""
        if self.open_connections >= self._most_open:
            # No room to try. Nor can it do harm before there is.
            self._take_in(state)
            return
        self.open_connections += 1
        state.opened += 1
        state.is_tried = True
        spawn(self._try(state), f"try-{self.backend.name}")

    async def _try(self, state: AddressState) -> None:
        try:
            connection = await self._connect(state)
        except UpstreamError:
            self.open_connections -= 1
            self._dial_for_waiting()
        else:
            self._place(connection, state)
        finally:
            state.is_tried = False

    def _say(self, event: Event, state: AddressState, **values: object) -> None:
        told = write_event(event, backend=self.backend.name, address=state.address, **values)
        _log.warning("%s", told)


def _tell_nobody() -> None:
    """Do nothing."""


def _sum_up(failures: Sequence[UpstreamError]) -> UpstreamError:
    """What one caller is told of all addresses tried: the last one's end, everyone's detail."""
    last = failures[-1]
    detail = "; ".join(failure.detail for failure in failures)
    return UpstreamError(last.stage, last.source, last.cause, detail)
