"""Counters a worker keeps and control adds up, as plain data.

Values only ever grow while a worker lives. They are kept per (route, backend) pair, so that
counting a request is a few list additions; Prometheus objects are made at scrape time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

import msgspec

from gateway.telemetry.arrivals import Arrivals
from gateway.telemetry.upstreams import Upstreams, add_to

LATENCY_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the duration histogram: from a cached page to the slowest picture."""
ELIGIBLE, PENDING = "eligible", "pending"
"""Of a run's sheet, beside its classes."""
_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_LAST_CLASS = len(_CLASSES) - 1


class LaneCounters(msgspec.Struct, array_like=True, gc=False):
    """What happened to the requests of one route that one backend served.

    Sent without the names of its fields: there is one for each route and backend, four times a
    second.
    """

    route: str
    backend: str
    by_class: list[int] = msgspec.field(default_factory=lambda: [0] * len(_CLASSES))
    """Answers by status class."""
    by_reason: dict[str, int] = msgspec.field(default_factory=dict)
    """Requests by who chose the backend."""
    errors: dict[str, int] = msgspec.field(default_factory=dict)
    """Failures by ``stage:cause:side``."""
    durations: list[int] = msgspec.field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_S) + 1))
    """Requests by duration, one cell per bound and one above them all."""
    duration_sum_s: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    retries: int = 0
    resends: dict[str, int] = msgspec.field(default_factory=dict)
    """Requests for which another backend was asked as well, by what it was declared as."""
    moves: dict[str, int] = msgspec.field(default_factory=dict)
    """New work that went to another backend, by why this one was out of service."""
    soft_errors: dict[str, int] = msgspec.field(default_factory=dict)
    """Answers that counted as another status than they said, by the status they counted as."""

    def count(self, status: int, reason: str, duration_s: float, error: str) -> None:
        """Count one finished request; `error` is empty where nothing failed."""
        cell = status // 100 - 1
        self.by_class[cell if 0 <= cell <= _LAST_CLASS else min(max(cell, 0), _LAST_CLASS)] += 1
        self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
        self.durations[bisect_left(LATENCY_BOUNDS_S, duration_s)] += 1
        self.duration_sum_s += duration_s
        if error:
            self.errors[error] = self.errors.get(error, 0) + 1

    @property
    def is_idle(self) -> bool:
        """Whether it has counted nothing yet."""
        is_moved = self.bytes_in or self.bytes_out or self.retries or self.errors
        has_met = self.resends or self.moves or self.soft_errors
        return not (is_moved or has_met or any(self.by_class))

    def failed(self, error: str) -> None:
        """Count a failure of which the customer saw nothing: another backend answered."""
        self.errors[error] = self.errors.get(error, 0) + 1

    def resent(self, reason: str) -> None:
        """Count a request for which another backend is asked as well."""
        self.resends[reason] = self.resends.get(reason, 0) + 1

    def move(self, why: str) -> None:
        """Count a request that another backend gets instead."""
        self.moves[why] = self.moves.get(why, 0) + 1

    def soft(self, counts_as: int) -> None:
        """Count an answer that counts as another status than it says."""
        key = str(counts_as)
        self.soft_errors[key] = self.soft_errors.get(key, 0) + 1

    def add(self, other: LaneCounters) -> None:
        """Add another worker's counters of the same route and backend."""
        self.by_class = [a + b for a, b in zip(self.by_class, other.by_class, strict=True)]
        self.durations = [a + b for a, b in zip(self.durations, other.durations, strict=True)]
        _add_to(self.by_reason, other.by_reason)
        _add_to(self.errors, other.errors)
        _add_to(self.resends, other.resends)
        _add_to(self.moves, other.moves)
        _add_to(self.soft_errors, other.soft_errors)
        self.duration_sum_s += other.duration_sum_s
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        self.retries += other.retries


class CustomerCount(msgspec.Struct, frozen=True):
    """Customers of one route whose new work was placed, told apart in one way."""

    route: str
    by: str
    """What tells them apart: a sticky source as routes.yaml's reader writes it."""
    seen: int
    on_both_sides: int
    """Those whose work went to more than one backend under the revision that serves."""


class Counters(msgspec.Struct):
    """Everything one worker counts."""

    lanes: list[LaneCounters] = msgspec.field(default_factory=list)
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    """Requests answered by the gateway itself, by status."""
    client_connections: int = 0
    """Open now, from customers."""
    upstream_connections: dict[str, int] = msgspec.field(default_factory=dict)
    """Open now, by backend."""
    upstream_in_flight: dict[str, int] = msgspec.field(default_factory=dict)
    """Requests under way now, by backend, those that wait for a connection included."""
    service: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    """Backend -> how far it is in service, and why -> workers that say so now: ``in``,
    ``trial:breaker``, ``out:probes``."""
    breaker_opened: dict[str, int] = msgspec.field(default_factory=dict)
    """Times that a worker's breaker has opened, by backend."""
    access_lines_dropped: int = 0
    """Lines lost because whoever reads the log was too slow."""
    trials: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    """Parallel run -> what became of eligible requests in the worker -> how many."""
    upstreams: Upstreams = msgspec.field(default_factory=dict)
    arrivals: Arrivals = msgspec.field(default_factory=Arrivals)
    customers: list[CustomerCount] = msgspec.field(default_factory=list)
    """Of all workers together: control counts them, as the same customer may meet several."""

    @property
    def requests(self) -> int:
        """That are over, however they ended."""
        return sum(sum(lane.by_class) for lane in self.lanes) + sum(self.refused.values())

    def add(self, other: Counters) -> None:
        """Add another worker's counters."""
        lanes = {(lane.route, lane.backend): lane for lane in self.lanes}
        for theirs in other.lanes:
            mine = lanes.get((theirs.route, theirs.backend))
            if mine is None:
                mine = LaneCounters(theirs.route, theirs.backend)
                self.lanes.append(mine)
                lanes[theirs.route, theirs.backend] = mine
            mine.add(theirs)
        _add_to(self.refused, other.refused)
        _add_to(self.upstream_connections, other.upstream_connections)
        _add_to(self.upstream_in_flight, other.upstream_in_flight)
        _add_to(self.breaker_opened, other.breaker_opened)
        _add_each(self.service, other.service)
        _add_each(self.trials, other.trials)
        self.client_connections += other.client_connections
        self.access_lines_dropped += other.access_lines_dropped
        add_to(self.upstreams, other.upstreams)
        self.arrivals.add(other.arrivals)

    def without_idle(self) -> Counters:
        """The same without what has counted nothing: most of it, where there are many routes."""
        lanes = [lane for lane in self.lanes if not lane.is_idle]
        return msgspec.structs.replace(self, lanes=lanes)

    def with_idle(self, pairs: Iterable[tuple[str, str]]) -> Counters:
        """The same with zeros for every route and backend that has counted nothing."""
        known = {(lane.route, lane.backend) for lane in self.lanes}
        idle = [LaneCounters(*pair) for pair in pairs if pair not in known]
        return msgspec.structs.replace(self, lanes=[*self.lanes, *idle])

    def without_gauges(self) -> Counters:
        """What a dead worker leaves behind: its connections are gone, its counts stay (a copy)."""
        left = total([self])
        left.client_connections, left.upstream_connections, left.upstreams = 0, {}, {}
        left.arrivals = left.arrivals.without_gauges()
        left.upstream_in_flight, left.service = {}, {}
        return left


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Counters)


def pack(counters: Counters) -> bytes:
    """Counters as they are sent."""
    return _ENCODER.encode(counters)


def unpack(packed: bytes) -> Counters:
    """What `pack` was given.

    Raises:
        msgspec.DecodeError: No counters.
    """
    return _DECODER.decode(packed)


def total(parts: Iterable[Counters]) -> Counters:
    """The sum of several workers' counters."""
    result = Counters()
    for part in parts:
        result.add(part)
    return result


def status_classes() -> tuple[str, ...]:
    """Names of the cells of `LaneCounters.by_class`."""
    return _CLASSES


def _add_to(mine: dict[str, int], theirs: dict[str, int]) -> None:
    for key, value in theirs.items():
        mine[key] = mine.get(key, 0) + value


def _add_each(mine: dict[str, dict[str, int]], theirs: dict[str, dict[str, int]]) -> None:
    for key, values in theirs.items():
        _add_to(mine.setdefault(key, {}), values)
