"""Counters add up to the same whatever the order of the workers."""

from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.telemetry.arrivals import Arrivals
from gateway.telemetry.counters import (
    LATENCY_BOUNDS_S,
    Counters,
    LaneCounters,
    status_classes,
    total,
)
from gateway.telemetry.upstreams import AddressCounts

_CELLS = len(LATENCY_BOUNDS_S) + 1


def _lane(route: str = "images", backend: str = "legacy") -> LaneCounters:
    return LaneCounters(route, backend)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (101, "1xx"),
        (200, "2xx"),
        (304, "3xx"),
        (499, "4xx"),
        (500, "5xx"),
        (599, "5xx"),
        pytest.param(0, "1xx", id="below"),
        pytest.param(999, "5xx", id="above"),
    ],
)
def test_an_answer_is_counted_in_its_class(status: int, expected: str) -> None:
    lane = _lane()
    lane.count(status, "backend", 0.1, "")
    assert dict(zip(status_classes(), lane.by_class, strict=True)) == {
        name: int(name == expected) for name in ("1xx", "2xx", "3xx", "4xx", "5xx")
    }


@pytest.mark.parametrize(
    ("duration_s", "cell"),
    [
        pytest.param(0.0, 0, id="at-once"),
        pytest.param(0.005, 0, id="a-bound-belongs-to-its-cell"),
        pytest.param(0.0051, 1, id="just-above-a-bound"),
        pytest.param(60.0, _CELLS - 2, id="last-bound"),
        pytest.param(60.1, _CELLS - 1, id="above-them-all"),
        pytest.param(1e9, _CELLS - 1, id="absurd"),
    ],
)
def test_a_duration_is_counted_in_the_first_cell_that_holds_it(
    duration_s: float, cell: int
) -> None:
    lane = _lane()
    lane.count(200, "backend", duration_s, "")
    assert lane.durations == [int(n == cell) for n in range(_CELLS)]
    assert lane.duration_sum_s == duration_s


def test_reasons_are_counted_always_and_errors_only_where_there_is_one() -> None:
    lane = _lane()
    lane.count(200, "sticky", 0.1, "")
    lane.count(502, "sticky", 0.1, "connect:refused:upstream")
    lane.count(200, "draw", 0.1, "")
    assert lane.by_reason == {"sticky": 2, "draw": 1}
    assert lane.errors == {"connect:refused:upstream": 1}


def test_the_bounds_rise() -> None:
    assert list(LATENCY_BOUNDS_S) == sorted(set(LATENCY_BOUNDS_S))


def test_two_new_lanes_share_nothing() -> None:
    one, other = _lane(), _lane()
    one.count(200, "backend", 0.1, "x")
    assert other == _lane()


_COUNTS = st.integers(0, 1000)
_TALLIES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 9), max_size=3)
_LANES = st.builds(
    LaneCounters,
    route=st.sampled_from(["images", "monolith"]),
    backend=st.sampled_from(["legacy", "image_service"]),
    by_class=st.lists(_COUNTS, min_size=5, max_size=5),
    by_reason=_TALLIES,
    errors=_TALLIES,
    durations=st.lists(_COUNTS, min_size=_CELLS, max_size=_CELLS),
    # Eighths add up exactly in any order.
    duration_sum_s=st.integers(0, 10_000).map(lambda eighths: eighths / 8),
    bytes_in=_COUNTS,
    bytes_out=_COUNTS,
    retries=_COUNTS,
    resends=_TALLIES,
    moves=_TALLIES,
    soft_errors=_TALLIES,
)
_COUNTERS = st.builds(
    Counters,
    lanes=st.lists(_LANES, max_size=4),
    refused=_TALLIES,
    client_connections=_COUNTS,
    upstream_connections=_TALLIES,
    upstream_in_flight=_TALLIES,
    service=st.dictionaries(st.sampled_from(["legacy", "image_service"]), _TALLIES),
    breaker_opened=_TALLIES,
    access_lines_dropped=_COUNTS,
    upstreams=st.dictionaries(
        st.sampled_from(["legacy", "image_service"]),
        st.dictionaries(
            st.sampled_from(["127.0.0.1:1", "127.0.0.1:2"]),
            st.builds(AddressCounts, *[_COUNTS] * 4),
        ),
    ),
    arrivals=st.builds(
        Arrivals, limit=_COUNTS, full=_COUNTS, full_s=_COUNTS.map(float), handshakes_failed=_TALLIES
    ),
)


def _sum(*parts: Counters) -> object:
    """The total without the order of its lanes, which means nothing."""
    result = total(parts)
    keys = [(lane.route, lane.backend) for lane in result.lanes]
    assert len(set(keys)) == len(keys), "a lane is there twice"
    result.lanes.sort(key=lambda lane: (lane.route, lane.backend))
    return msgspec.to_builtins(result)


@given(_COUNTERS, _COUNTERS)
@settings(max_examples=20)
def test_the_order_of_two_workers_does_not_matter(one: Counters, other: Counters) -> None:
    assert _sum(one, other) == _sum(other, one)


@given(_COUNTERS, _COUNTERS, _COUNTERS)
@settings(max_examples=20)
def test_it_does_not_matter_which_workers_are_added_first(
    one: Counters, two: Counters, three: Counters
) -> None:
    assert _sum(total([one, two]), three) == _sum(one, total([two, three]))


@given(_COUNTERS)
@settings(max_examples=20)
def test_adding_nothing_changes_nothing(one: Counters) -> None:
    assert _sum(one) == _sum(one, Counters()) == _sum(Counters(), one)


@given(_COUNTERS, _COUNTERS)
@settings(max_examples=20)
def test_a_sum_leaves_its_parts_as_they_were(one: Counters, other: Counters) -> None:
    before = copy.deepcopy((one, other))
    result = total([one, other])
    for lane in result.lanes:
        lane.count(200, "a", 1.0, "a")
    result.refused["a"] = 99
    assert (one, other) == before


@given(_COUNTERS)
@settings(max_examples=20)
def test_a_dead_worker_leaves_its_counts_and_takes_its_connections(worker: Counters) -> None:
    before = copy.deepcopy(worker)
    left = worker.without_gauges()
    assert left.client_connections == 0
    assert left.upstream_connections == {}
    assert (left.upstream_in_flight, left.service) == ({}, {})
    left.client_connections = worker.client_connections
    left.upstream_connections = worker.upstream_connections
    assert left.upstreams == {}
    left.upstreams = worker.upstreams
    assert (left.arrivals.limit, left.arrivals.full) == (0, 0)
    left.arrivals.limit, left.arrivals.full = worker.arrivals.limit, worker.arrivals.full
    left.upstream_in_flight, left.service = worker.upstream_in_flight, worker.service
    assert _sum(left) == _sum(worker)
    left.add(left.without_gauges())
    assert worker == before


@given(_COUNTERS)
@settings(max_examples=20)
def test_counters_survive_the_way_to_control(worker: Counters) -> None:
    written = msgspec.msgpack.encode(worker)
    assert msgspec.msgpack.decode(written, type=Counters) == worker


def test_what_has_counted_nothing_need_not_be_sent_and_is_zero_all_the_same() -> None:
    busy = LaneCounters("images", "legacy")
    busy.count(200, "backend", 0.1, "")
    retried = LaneCounters("images", "new", retries=1)
    moved = LaneCounters("images", "ill")
    moved.move("probes")
    lanes = [LaneCounters("a", "b"), busy, retried, moved]
    sent = Counters(lanes=lanes, client_connections=3).without_idle()
    assert (sent.lanes, sent.client_connections) == ([busy, retried, moved], 3)
    whole = sent.with_idle([("a", "b"), ("images", "legacy"), ("images", "new")])
    assert whole.lanes == [busy, retried, moved, LaneCounters("a", "b")]
