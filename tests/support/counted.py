"""What workers have counted, and when; light, for processes that start often."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.telemetry.counters import Counters, LaneCounters

AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def counted(requests: int) -> Counters:
    """What a worker has counted that has served some requests and holds a connection open."""
    lane = LaneCounters("all", "legacy")
    for _ in range(requests):
        lane.count(200, "draw", 0.01, "")
    return Counters(lanes=[lane], client_connections=1)


def requests_in(counters: Counters) -> int:
    """How many requests were counted in all."""
    return sum(sum(lane.by_class) for lane in counters.lanes)
