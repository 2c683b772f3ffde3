"""What a worker's connections share: the routes, a pool per backend, counters, the access log."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from gateway.proxy.access_log import AccessLog
from gateway.proxy.backend_state import BackendState
from gateway.proxy.capture import Captures, tried_lane
from gateway.proxy.lanes import Lane, WatchedLane, by_backend, lanes_of, with_stand_in
from gateway.proxy.merging import MergedPool, Side
from gateway.proxy.pool import Pool
from gateway.proxy.recorder import Recorder
from gateway.proxy.redirecting import redirect
from gateway.proxy.trace import TRACE_DIGITS, TraceIds, trace_id
from gateway.routing.decide import Reply, decide
from gateway.routing.snapshot import Route, Snapshot
from gateway.routing.table import Table
from gateway.telemetry.counters import Counters, LaneCounters
from gateway.telemetry.events import Event
from gateway.telemetry.upstreams import AddressCounts
from gateway.whatif.recording import Recording
from gateway.whatif.tokens import LEAST_KEY_BYTES, Tokens
from gateway.wire.believing import believe
from gateway.wire.fields import Names
from gateway.wire.forwarded import Peer, forwarded_lines
from gateway.wire.inbound import Inbound
from gateway.wire.pins import PinKey
from gateway.wire.plain_request import PlainRequests
from gateway.wire.request import write_request
from gateway.wire.trust import Networks

if TYPE_CHECKING:
    from gateway.proxy.direct import DirectConnection
    from gateway.proxy.exchange import Exchange

SWEEP_EVERY_S = 0.25
"""Coarse on purpose: timeouts are seconds, and one pass serves every exchange."""
_log = logging.getLogger("figueira")


class Gateway:
    """The state of one worker; swapped pieces, never half-changed ones."""

    def __init__(
        self,
        snapshot: Snapshot,
        revision: int,
        access_log: AccessLog,
        wall_clock: Callable[[], float],
        tokens: Tokens | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        tries: bool = True,
    ) -> None:
        """Start routing by `snapshot`.

        Args:
            snapshot: The routes.
            revision: Their number.
            access_log: Where access lines go.
            wall_clock: Gives seconds since 1970.
            tokens: What tells customers apart in access lines; None for a key of its own.
            clock: The one that exchanges go by.
            tries: Whether there is somebody who runs parallel runs.
        """
        self._tries = tries
        self.recording = Recording(tokens or Tokens(os.urandom(LEAST_KEY_BYTES)))
        self._access_log = access_log
        self._wall_clock = wall_clock
        self.captures = Captures(wall_clock, self.recording.tokens.seed)
        self.recorder = Recorder(access_log, wall_clock, clock, self.recording, self.captures)
        self.traces = TraceIds()
        self._pools: dict[str, Pool] = {}
        self._states: dict[str, BackendState] = {}
        self._opened_before: dict[str, int] = {}
        self._probed_ill: dict[str, dict[str, bool]] = {}
        self._draining: list[Pool] = []
        self._lanes: dict[str, dict[str, Lane | WatchedLane]] = {}
        self._counters: dict[tuple[str, str], LaneCounters] = {}
        self.doors: set[DirectConnection] = set()
        self.exchanges: set[Exchange] = set()
        """Exchanges of doors that are no connection of ours (ASGI); the sweep looks after them."""
        self.clock = clock
        """Monotonic time in seconds, for whatever has a deadline."""
        self.now_s = clock()
        """The time of the last sweep: good enough for timeouts."""
        self.is_draining = False
        self.install(snapshot, revision)

    def install(self, snapshot: Snapshot, revision: int) -> None:
        """Route by `snapshot` from the next request on; those in flight end as they began."""
        pools = {
            backend.name: pool
            if (pool := self._pools.get(backend.name)) and pool.backend == backend
            else Pool(backend)
            for backend in snapshot.backends
        }
        states = {
            name: state
            if (state := self._states.get(name)) and state.pool is pool
            else BackendState(pool)
            for name, pool in pools.items()
        }
        runs = {run.name: run for run in snapshot.parallel_runs if self._tries}
        lanes = {
            route.name: lanes_of(
                route,
                states,
                self._counters_of,
                partial(tried_lane, self.captures, runs.get(route.parallel_run or "")),
            )
            for route in snapshot.routes
        }
        for name, before in self._states.items():
            if states.get(name) is not before:
                self._opened_before[name] = self._opened_before.get(name, 0) + before.opened
        self._tell_probes(pools)
        gone = [pool for name, pool in self._pools.items() if pools.get(name) is not pool]
        self._proxies = Networks(snapshot.trust.proxies)
        self._testers = Networks(snapshot.trust.testers)
        self._pin_secret = snapshot.trust.pin_secret
        self._pools, self._states, self._lanes = pools, states, lanes
        served, movable = by_backend(lanes.values()), with_stand_in(snapshot.routes)
        for name, state in states.items():
            state.serve(served[name], has_stand_in=name in movable)
        for route in snapshot.routes:
            self._add_merged(route)
        self.table = Table(snapshot)
        self.names = Names(self.table.header_names)
        self.plain_requests = PlainRequests(self.names)
        self.revision = revision
        # What is over notes what its own revision asked for.
        self.recorder.fold()
        self.recording.install(snapshot, revision)
        for pool in gone:
            pool.close()
        self._draining += gone

    def note_probes(self, ill: Mapping[str, Mapping[str, bool]]) -> None:
        """Take what probes say: backend -> address -> whether it is ill. The rest stays."""
        for name, addresses in ill.items():
            self._probed_ill[name] = {**self._probed_ill.get(name, {}), **addresses}
        self._tell_probes(self._pools)

    def _tell_probes(self, pools: Mapping[str, Pool]) -> None:
        for name, pool in pools.items():
            if pool.backend.health is not None and name in self._probed_ill:
                pool.note_probes(self._probed_ill[name])

    def _counters_of(self, route: str, backend: str) -> LaneCounters:
        return self._counters.setdefault((route, backend), LaneCounters(route, backend))

    def _add_merged(self, route: Route) -> None:
        """Where lists are merged, all sides together are a backend of their own."""
        owner = route.owner
        if owner is None or owner.merge is None:
            return
        counters = [self._counters_of(route.name, name) for name in owner.sides]
        sides = [Side(self._states[n], c) for n, c in zip(owner.sides, counters, strict=True)]
        pool = MergedPool(owner, owner.merge, sides, self.recorder.date)
        self._lanes[route.name][owner.merged] = Lane(
            pool,
            self._counters_of(route.name, owner.merged),
            pool.backend.authority.encode(),
            self._states[owner.unknown],
        )

    def admit(self, exchange: Exchange) -> bytes | Reply:
        """Decide where a request goes, note it on the exchange, and write the backend's head."""
        inbound, peer = exchange.inbound, exchange.peer
        if inbound.forwarded is None and inbound.private is None:
            inbound.client_ip = peer.address
            introduction = peer.introduction(inbound.host or b"")
        else:
            introduction = self._introduce(inbound, peer)
        exchange.revision = self.revision
        decision = decide(self.table, inbound, random.random())  # noqa: S311 - shares, not secrets
        if isinstance(decision, Reply):
            return decision
        exchange.decision = decision
        lanes = self._lanes[decision.route.name]
        meant = lanes[decision.backend]
        lane = meant if meant.gate is None else redirect(exchange, decision, lanes)
        exchange.lane = lane
        if inbound.traceparent is None:
            trace = self.traces.next()
            exchange.trace_id = trace[:TRACE_DIGITS]
        else:
            trace, exchange.trace_id = b"", trace_id(inbound.traceparent)
        return write_request(inbound, introduction, trace, authority=lane.authority)

    def _introduce(self, inbound: Inbound, peer: Peer) -> bytes:
        """As `Peer.introduction`, for a request that says something of its own origin."""
        key = PinKey(secret=self._pin_secret, now_s=self._wall_clock())
        is_proxy = believe(inbound, peer.address, self._proxies, self._testers, self.names, key=key)
        believed = (inbound.forwarded or ()) if is_proxy else ()
        return forwarded_lines(peer, inbound.host or b"", believed)

    def counters(self) -> Counters:
        """Everything counted so far, and what is open now."""
        self.recorder.fold()
        return Counters(
            lanes=list(self._counters.values()),
            refused=self.recorder.refused,
            client_connections=len(self.doors),
            upstream_connections=self._open_connections(),
            upstreams={
                name: {
                    report.address: AddressCounts(
                        int(report.is_ejected), report.failures, report.idle, report.in_use
                    )
                    for report in pool.report()
                }
                for name, pool in self._pools.items()
            },
            upstream_in_flight={name: pool.in_flight for name, pool in self._pools.items()},
            service={name: {state.text: 1} for name, state in self._states.items()},
            breaker_opened=self._breaker_opened(),
            access_lines_dropped=self._access_log.dropped,
            trials=self.captures.ended,
        )

    def _breaker_opened(self) -> dict[str, int]:
        """By backend, what its state counted before a revision has replaced it included."""
        opened = dict(self._opened_before)
        for name, state in self._states.items():
            opened[name] = opened.get(name, 0) + state.opened
        return opened

    def _open_connections(self) -> dict[str, int]:
        """By backend, those of pools that a revision has replaced included."""
        opened = dict.fromkeys(self._pools, 0)
        for pool in [*self._pools.values(), *self._draining]:
            name = pool.backend.name
            opened[name] = opened.get(name, 0) + pool.open_connections
        return opened

    async def sweep_forever(self) -> None:
        """Look after timeouts, idle connections and the access log, four times a second."""
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            self.sweep(self.clock())

    def sweep(self, now_s: float) -> None:
        """Look after everything once; `now_s` is monotonic time in seconds."""
        self.now_s = now_s
        self.recorder.set_clock()
        checked: list[DirectConnection | Exchange] = [*self.doors, *self.exchanges]
        for each in checked:
            try:
                each.check(now_s)
            except Exception:  # noqa: BLE001 - a fault in one must not stop the sweep for all
                _log.exception(Event.SWEEP_FAILED.value)
        for pool in self._pools.values():
            pool.sweep(now_s)
        for state in self._states.values():
            state.look()
        self._draining = [pool for pool in self._draining if pool.open_connections]
        self.recorder.fold()
        self._access_log.flush()

    def close(self) -> int:
        """Cut what is still open, close the pools, write the last access lines.

        Returns:
            How many requests and tunnels were under way and are cut.
        """
        before = self.counters().requests
        for door in list(self.doors):
            door.cut()
        for pool in self._pools.values():
            pool.close()
        cut = self.counters().requests - before
        self._access_log.close()
        self.captures.flush()
        return cut
