"""What a worker's connections share: the routes, a pool per backend, counters, the access log."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.proxy.access_log import AccessLog
from gateway.proxy.pool import Pool
from gateway.proxy.recorder import Recorder
from gateway.proxy.trace import TraceIds, trace_id
from gateway.routing.decide import Reply, decide
from gateway.routing.snapshot import Snapshot
from gateway.routing.table import Table
from gateway.telemetry.counters import Counters, LaneCounters
from gateway.telemetry.events import Event
from gateway.whatif.recording import Recording
from gateway.whatif.tokens import LEAST_KEY_BYTES, Tokens
from gateway.wire.believing import believe
from gateway.wire.fields import Names
from gateway.wire.forwarded import Peer, forwarded_lines
from gateway.wire.inbound import Inbound
from gateway.wire.plain_request import PlainRequests
from gateway.wire.request import write_request
from gateway.wire.trust import Networks

if TYPE_CHECKING:
    from gateway.proxy.direct import DirectConnection
    from gateway.proxy.exchange import Exchange

SWEEP_EVERY_S = 0.25
"""Coarse on purpose: timeouts are seconds, and one pass serves every exchange."""
_log = logging.getLogger("figueira")


@dataclass(slots=True)
class Lane:
    """One route's traffic to one backend."""

    pool: Pool
    counters: LaneCounters
    authority: bytes
    """Host for a request that brought none."""


class Gateway:
    """The state of one worker; swapped pieces, never half-changed ones."""

    def __init__(
        self,
        snapshot: Snapshot,
        revision: int,
        access_log: AccessLog,
        wall_clock: Callable[[], float],
        tokens: Tokens | None = None,
    ) -> None:
        """Start routing by `snapshot`.

        Args:
            snapshot: The routes.
            revision: Their number.
            access_log: Where access lines go.
            wall_clock: Gives seconds since 1970, for access lines.
            tokens: What tells customers apart in access lines; None for a key of its own.
        """
        self.recording = Recording(tokens or Tokens(os.urandom(LEAST_KEY_BYTES)))
        self._access_log = access_log
        self.recorder = Recorder(access_log, wall_clock, self.recording)
        self._traces = TraceIds()
        self._pools: dict[str, Pool] = {}
        self._draining: list[Pool] = []
        self._lanes: dict[str, dict[str, Lane]] = {}
        self._counters: dict[tuple[str, str], LaneCounters] = {}
        self.doors: set[DirectConnection] = set()
        self.exchanges: set[Exchange] = set()
        """Exchanges of doors that are no connection of ours (ASGI); the sweep looks after them."""
        self.now_s = time.monotonic()
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
        lanes = {
            route.name: {name: self._lane(route.name, pools[name]) for name in route.backends}
            for route in snapshot.routes
        }
        gone = [pool for name, pool in self._pools.items() if pools.get(name) is not pool]
        self._proxies = Networks(snapshot.trust.proxies)
        self._testers = Networks(snapshot.trust.testers)
        self._pools, self._lanes = pools, lanes
        self.table = Table(snapshot)
        self.names = Names(self.table.header_names)
        self.plain_requests = PlainRequests(self.names)
        self.revision = revision
        self.recording.install(snapshot, revision)
        for pool in gone:
            pool.close()
        self._draining += gone

    def _lane(self, route: str, pool: Pool) -> Lane:
        name = pool.backend.name
        counters = self._counters.setdefault((route, name), LaneCounters(route, name))
        return Lane(pool, counters, pool.backend.authority.encode())

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
        exchange.lane = lane = self._lanes[decision.route.name][decision.backend]
        if inbound.traceparent is None:
            line, exchange.trace_id = self._traces.next()
            introduction += line
        else:
            exchange.trace_id = trace_id(inbound.traceparent)
        return write_request(inbound, introduction, authority=lane.authority)

    def _introduce(self, inbound: Inbound, peer: Peer) -> bytes:
        """As `Peer.introduction`, for a request that says something of its own origin."""
        is_proxy = believe(inbound, peer.address, self._proxies, self._testers, self.names)
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
            upstream_ejected={
                name: {report.address: int(report.is_ejected) for report in pool.report()}
                for name, pool in self._pools.items()
            },
            access_lines_dropped=self._access_log.dropped,
        )

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
            self.sweep(time.monotonic())

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
        self._draining = [pool for pool in self._draining if pool.open_connections]
        self.recorder.fold()
        self._access_log.flush()

    def close(self) -> None:
        """Cut what is still open, close the pools, write the last access lines."""
        for door in list(self.doors):
            door.cut()
        for pool in self._pools.values():
            pool.close()
        self.recorder.fold()
        self._access_log.close()
