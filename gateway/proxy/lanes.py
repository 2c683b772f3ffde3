"""What a route's traffic to each of its backends goes through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.json_path import JsonPath
from gateway.proxy.second import Another
from gateway.proxy.watch import Watch
from gateway.resilience.soft_errors import SoftError, SoftErrors
from gateway.routing.decide import ReasonText
from gateway.routing.resend import resends_of
from gateway.wire.retry import may_ask_again

if TYPE_CHECKING:
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.pool import Pool
    from gateway.proxy.ports import Lender
    from gateway.routing.snapshot import Backend, Route
    from gateway.telemetry.counters import LaneCounters


@dataclass(slots=True)
class Lane:
    """One route's traffic to one backend."""

    pool: Lender
    counters: LaneCounters
    authority: bytes
    """Host for a request that brought none."""
    watch: None = None
    """Nobody looks at its requests."""


class WatchedLane:
    """As `Lane`, where something is declared for which each request has to be looked at."""

    __slots__ = ("authority", "counters", "others", "soft_errors", "source", "watch")

    def __init__(self, pool: Pool, counters: LaneCounters) -> None:
        self.source = pool
        """Where connections come from."""
        self.counters = counters
        self.authority = pool.backend.authority.encode()
        self.soft_errors = _soft_errors(pool.backend)
        self.others: dict[ReasonText, Another] = {}
        """Who may be asked as well, by who decided on this backend."""
        self.watch = None

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
        another: Another | None = None
        if self.others and caller.decision is not None and may_ask_again(caller.inbound):
            another = self.others.get(caller.decision.reason)
        caller.lane = watch = Watch(self, another)
        watch.acquire(caller, fresh=fresh)

    def cancel(self, caller: Exchange) -> None:
        """Do nothing: whoever has asked is on a lane of its own."""

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


AnyLane = Lane | WatchedLane | Watch
CountersOf = Callable[[str, str], "LaneCounters"]


def lanes_of(
    route: Route, pools: Mapping[str, Pool], counters_of: CountersOf
) -> dict[str, Lane | WatchedLane]:
    """A lane to each backend that the route can choose; watched where there is a reason.

    Args:
        route: The route.
        pools: By backend.
        counters_of: Gives the counters of a route and a backend.
    """
    lanes: dict[str, Lane | WatchedLane] = {}
    for name in route.backends:
        pool, counters = pools[name], counters_of(route.name, name)
        resends = resends_of(pool.backend)
        if not (resends or pool.backend.soft_errors):
            lanes[name] = Lane(pool, counters, pool.backend.authority.encode())
            continue
        lanes[name] = watched = WatchedLane(pool, counters)
        for reason, resend in resends.items():
            other = WatchedLane(pools[resend.to], counters_of(route.name, resend.to))
            watched.others[reason] = Another(resend, other)
    return lanes


def _soft_errors(backend: Backend) -> SoftErrors | None:
    if not backend.soft_errors:
        return None
    return SoftErrors(
        [
            SoftError(rule.status, JsonPath(rule.json), rule.equals, rule.counts_as)
            for rule in backend.soft_errors
        ]
    )
