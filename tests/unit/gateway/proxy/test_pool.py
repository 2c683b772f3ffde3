"""Whatever happens in whatever order, a pool counts right, keeps its limits and forgets nobody."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Cause, Source, Stage, UpstreamError
from gateway.proxy.pool import Pool
from gateway.proxy.upstream import UpstreamConnection
from gateway.routing.snapshot import Address, Backend

_REFUSED = UpstreamError(Stage.CONNECT, Source.UPSTREAM, Cause.REFUSED, "refused")
_MOST = 3


class Line:
    """A connection without a network."""

    is_gone = False

    def __init__(self, world: World) -> None:
        self._world = world
        self.idle_since_s = 0.0
        self.is_reused = False
        self.has_answered = False
        self.is_cut = False

    def begin(self, caller: Customer) -> None:
        """Serve somebody."""
        assert not self.is_cut
        self.has_answered = False
        self._world.serving[self] = caller

    def is_closing(self) -> bool:
        """Whether it is of no use."""
        return self.is_cut

    def abandon(self) -> None:
        """Cut it; the pool hears of that in its own time."""
        self._world.serving.pop(self, None)
        self.cut()

    def cut(self, *, unanswered: bool = False) -> None:
        """End."""
        if not self.is_cut:
            self.is_cut = True
            forget = cast(Any, self._world.pool.forget)
            asyncio.get_running_loop().call_soon(lambda: forget(self, unanswered=unanswered))


class Customer:
    """Who asks for a connection."""

    def __init__(self) -> None:
        self.heard = ""

    def connected(self, line: Line) -> None:
        """Be served."""
        assert not self.heard
        self.heard = "connected"
        del line

    def failed(self, error: UpstreamError) -> None:
        """Be turned away."""
        assert not self.heard
        self.heard = error.cause.value


class World:
    """A pool, with everything around it in the test's hands."""

    def __init__(self, addresses: int, max_waiting: int) -> None:
        places = tuple(Address(host="h", port=n + 1) for n in range(addresses))
        self.pool = Pool(
            Backend(name="legacy", addresses=places, max_connections=_MOST, max_waiting=max_waiting)
        )
        self.pool._dialler = cast(Any, self)
        self.dials: list[asyncio.Future[bool]] = []
        self.serving: dict[Line, Customer] = {}
        self.customers: list[Customer] = []
        self.now_s = self.pool._now_s
        self.most_waiting = max_waiting

    async def dial(self, address: Address, pool: Pool) -> UpstreamConnection:
        """What a `Dialler` does, when the test says so."""
        del address, pool
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.dials.append(answer)
        if await answer:
            return cast(UpstreamConnection, Line(self))
        raise _REFUSED

    def act(self, event: str, number: int) -> None:
        """Let something happen to the `number`-th of those that it can happen to."""
        if event in {"ask", "ask-fresh"}:
            self._ask(fresh=event == "ask-fresh")
        elif event in {"stands", "refused"} and self.dials:
            self.dials.pop(number % len(self.dials)).set_result(event == "stands")
        elif event in {"answered", "cut", "unanswered"} and self.serving:
            line = list(self.serving)[number % len(self.serving)]
            del self.serving[line]
            self._end(line, event)
        elif event == "leaves" and self._waiting():
            customer = self._waiting()[number % len(self._waiting())]
            customer.heard = "left"
            self.pool.cancel(cast(Any, customer))
        elif event == "idle-cut":
            idle = [line for state in self.pool._addresses for line in state.idle]
            if idle:
                idle[number % len(idle)].abandon()
        elif event == "time":
            self.now_s += number / 4
            self.pool.sweep(self.now_s)

    def _ask(self, *, fresh: bool) -> None:
        customer, pool = Customer(), self.pool
        has_room = (
            pool.open_connections < _MOST
            or len(self._waiting()) - pool._dials < self.most_waiting
            or (not fresh and any(state.idle for state in pool._addresses))
        )
        pool.acquire(cast(Any, customer), fresh=fresh)
        assert (customer.heard == "overload") is not has_room
        self.customers.append(customer)

    def _end(self, line: Line, event: str) -> None:
        line.has_answered = event != "unanswered"
        if event == "answered":
            line.is_reused = True
            self.pool.give_back(cast(Any, line))
        else:
            line.cut(unanswered=event == "unanswered")

    def _waiting(self) -> list[Customer]:
        return [customer for customer in self.customers if not customer.heard]

    def check(self) -> None:
        """What holds whenever everything has come to rest."""
        pool, waiting = self.pool, self._waiting()
        idle = [line for state in pool._addresses for line in state.idle]
        stands = len(pool._address_of)
        assert pool.open_connections == stands + len(self.dials)
        assert pool.open_connections == sum(state.opened for state in pool._addresses)
        assert pool.open_connections <= _MOST
        assert stands == len(self.serving) + len(idle)
        assert list(cast(Any, pool._waiting)) == waiting, (
            "nobody is forgotten, and all are in order"
        )
        assert pool._dials <= len(self.dials)
        assert len(waiting) - pool._dials <= self.most_waiting
        if len(waiting) > pool._dials:
            assert pool.open_connections == _MOST, "there is room, yet somebody waits"
            assert not idle, "a connection is idle, yet somebody waits"


async def _rest() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


_EVENTS = st.sampled_from(
    [
        *("ask", "ask", "ask", "ask-fresh", "stands", "stands", "refused"),
        *("answered", "answered", "cut", "unanswered", "leaves", "idle-cut", "time"),
    ]
)


@pytest.mark.parametrize("addresses", [1, 2, 4])
@given(
    events=st.lists(st.tuples(_EVENTS, st.integers(0, 40)), min_size=60, max_size=120),
    max_waiting=st.integers(0, 3),
)
@settings(max_examples=25)
async def test_a_pool_counts_right_and_forgets_nobody(
    addresses: int, events: list[tuple[str, int]], max_waiting: int
) -> None:
    world = World(addresses, max_waiting)
    for event, number in events:
        world.act(event, number)
        await _rest()
        world.check()
    while world.dials or world.serving:
        world.act("stands", 0)
        world.act("answered", 0)
        await _rest()
        world.check()
    assert all(customer.heard for customer in world.customers)
    world.pool.close()
    await _rest()
    assert world.pool.open_connections == 0
