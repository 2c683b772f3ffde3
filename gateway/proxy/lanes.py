"""What a route's traffic to each of its backends goes through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gateway.proxy.second import Another
from gateway.proxy.watch import Watch
from gateway.routing.decide import ReasonText
from gateway.routing.resend import resends_of, second_look_of
from gateway.wire.retry import may_ask_again

if TYPE_CHECKING:
    from gateway.proxy.backend_state import BackendState
    from gateway.proxy.capture import Capture
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.pool import Pool
    from gateway.proxy.ports import Connection, Lender
    from gateway.routing.snapshot import Backend, Route
    from gateway.telemetry.counters import LaneCounters


@dataclass(slots=True)
class Lane:
    """One route's traffic to one backend."""

    pool: Lender
    counters: LaneCounters
    authority: bytes
    """Host for a request that brought none."""
    state: BackendState
    gate: BackendState | None = None
    """The same while the backend is not in service: then each request is looked at."""
    watch: None = None
    """Nobody looks at its requests."""
    capture: ClassVar[None] = None
    """Nobody remembers them."""

    def watched(self) -> WatchedLane:
        """The same with somebody who looks at them, for those that matter more than others."""
        return WatchedLane(self.state, self.counters)


class WatchedLane:
    """As `Lane`, where something is declared for which each request has to be looked at."""

    __slots__ = ("authority", "counters", "gate", "others", "source", "state", "watch")
    capture: Capture | None = None
    """Nobody remembers requests before they have a watch of their own."""

    def __init__(self, state: BackendState, counters: LaneCounters) -> None:
        self.state = state
        self.source: Pool = state.pool
        """Where connections come from."""
        self.counters = counters
        self.authority = state.pool.backend.authority.encode()
        self.others: dict[ReasonText, Another] = {}
        """Who may be asked as well, by who decided on this backend."""
        self.gate: BackendState | None = None
        self.watch = None

    def watched(self) -> WatchedLane:
        """The lane itself."""
        return self

    def another_for(self, exchange: Exchange, reason: ReasonText) -> Another | None:
        """Who else may be asked what comes here because of `reason`."""
        another = self.others.get(reason) if self.others else None
        return another if another is not None and may_ask_again(exchange.inbound) else None

    def watch_for(self, exchange: Exchange, reason: ReasonText) -> Watch:
        """Who watches over a request that comes here because of `reason`."""
        return Watch(self, self.another_for(exchange, reason))

    @property
    def pool(self) -> WatchedLane:
        """Where exchanges ask for their connection."""
        return self

    # Lender

    @property
    def backend(self) -> Backend:
        """Whose connections these are."""
        return self.source.backend

    def acquire(self, caller: Exchange, *, fresh: bool = False) -> None:
        """Get `caller` a connection that is watched."""
        decision = caller.decision
        assert decision is not None  # noqa: S101 - it has led here
        caller.lane = watch = self.watch_for(caller, decision.reason)
        watch.acquire(caller, fresh=fresh)

    def cancel(self, caller: Exchange) -> None:
        """Do nothing: whoever has asked is on a lane of its own."""

    def blame(self, connection: Connection | None) -> None:
        """Do nothing, for the same reason."""

    def begin_upload(self) -> bool:
        """As the pool's."""
        return self.source.begin_upload()

    def end_upload(self) -> None:
        """As the pool's."""
        self.source.end_upload()

    @property
    def is_crowded(self) -> bool:
        """As the pool's."""
        return self.source.is_crowded

    @property
    def is_wanted(self) -> bool:
        """As the pool's."""
        return self.source.is_wanted


AnyLane = Lane | WatchedLane | Watch
CountersOf = Callable[[str, str], "LaneCounters"]
TriedLane = Callable[["BackendState", "LaneCounters"], "WatchedLane | None"]
"""Makes the lane to a backend whose answers are tried; None where they are not."""


def lanes_of(
    route: Route,
    states: Mapping[str, BackendState],
    counters_of: CountersOf,
    tried_lane: TriedLane = lambda _state, _counters: None,
) -> dict[str, Lane | WatchedLane]:
    """A lane to each backend that the route can choose; watched where there is a reason.

    Args:
        route: The route.
        states: By backend.
        counters_of: Gives the counters of a route and a backend.
        tried_lane: Makes the lanes of those whose answers are tried.
    """
    lanes: dict[str, Lane | WatchedLane] = {}
    for name in route.backends:
        state, counters = states[name], counters_of(route.name, name)
        backend = state.pool.backend
        resends = resends_of(backend) | second_look_of(route.owner, backend)
        tried = tried_lane(state, counters)
        if tried is None and not (resends or backend.soft_errors or backend.breaker):
            lanes[name] = Lane(state.pool, counters, backend.authority.encode(), state)
            continue
        lanes[name] = watched = tried or WatchedLane(state, counters)
        for reason, resend in resends.items():
            other = WatchedLane(states[resend.to], counters_of(route.name, resend.to))
            watched.others[reason] = Another(resend, other)
    return lanes


def with_stand_in(routes: Iterable[Route]) -> frozenset[str]:
    """The backends whose new work another one of the same route can do."""
    found: set[str] = set()
    for route in routes:
        weighty = {share.backend for share in route.shares if share.start < share.end}
        if len(weighty) > 1:
            found |= weighty
    return frozenset(found)


def by_backend(
    lanes: Iterable[Mapping[str, Lane | WatchedLane]],
) -> defaultdict[str, list[Lane | WatchedLane]]:
    """The lanes of all routes, by backend; none of one that no route uses."""
    found: defaultdict[str, list[Lane | WatchedLane]] = defaultdict(list)
    for of_route in lanes:
        for name, lane in of_route.items():
            found[name].append(lane)
    return found
