"""A change that moves more of the record than `safety` allows is refused, with the numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.routing.snapshot import BUCKETS, Safety, Snapshot
from gateway.telemetry.access_line import AccessLine
from gateway.whatif.recent import KEPT, KEPT_MINUTES, Recent, Sampled, Sampling
from gateway.whatif.safety import breach
from gateway.whatif.tokens import Tokens
from tests.unit.gateway.routing.shop import MONOLITH, head, images, snapshot
from tests.unit.gateway.whatif.recorded import KEY, Recorded


def _file(percent: float, limit: float | None = 10) -> Snapshot:
    made = snapshot(images(int(percent * BUCKETS / 100)), MONOLITH)
    return replace(made, safety=None if limit is None else Safety(max_moved_percent=limit))


def _sample(serves: Snapshot, count: int = 400) -> list[Sampled]:
    """Half of the traffic is new images, each customer's of its own."""
    recorded = Recorded(serves)
    return [
        Sampled(
            recorded.line(
                head("/images", b"POST", {b"x-customer-id": b"%d" % number})
                if number % 2
                else head("/products")
            ),
            weight=1,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("old", "new", "is_refused"),
    [
        pytest.param(_file(5), _file(15), False, id="a tenth of one half"),
        pytest.param(_file(5), _file(60), True, id="more than half of one half"),
        pytest.param(_file(5), _file(60, None), True, id="the rule that serves counts"),
        pytest.param(_file(5, None), _file(60, 0), False, id="not the one that is to serve"),
        pytest.param(_file(5, 100), _file(60), False, id="100% allows everything"),
        pytest.param(_file(5, 0), _file(5, 0), False, id="0% allows what moves nobody"),
        pytest.param(_file(5, 0), _file(15, 0), True, id="and nothing else"),
    ],
)
def test_a_change_is_measured_by_the_rule_that_serves(
    old: Snapshot, new: Snapshot, is_refused: bool
) -> None:
    found = breach(old, new, _sample(old), Tokens(KEY))
    assert (found is not None) is is_refused


def test_the_operator_is_told_what_moves_how_much_and_what_to_do() -> None:
    old = _file(0)
    found = breach(old, _file(50), _sample(old))
    assert found is not None
    problem = found.problem()
    assert problem.describe("routes.yaml") == (
        "routes.yaml: error: safety.max_moved: this change would move 26.2 % of the recorded "
        "traffic (400 requests sampled in the last hour), more than 10%: images legacy -> "
        "image_service 26.2 % (move less at a time, or force it: --force of figueira set or reload)"
    )


def test_what_the_record_leaves_open_counts_as_moved() -> None:
    """The first split of a route whose customers nobody has recorded."""
    old = replace(snapshot(MONOLITH), safety=Safety(max_moved_percent=10))
    found = breach(old, _file(5), _sample(old))
    assert found is not None
    assert (found.moved_percent, found.open_percent) == (0, 50)
    assert breach(old, _file(0), _sample(old)) is None, "0 percent moves nobody, whoever asks"


def test_where_nothing_is_recorded_nothing_is_known_to_move() -> None:
    assert breach(_file(0, 0), _file(100), []) is None


def test_a_line_counts_for_as_many_requests_as_it_stands_for() -> None:
    old = _file(0)
    light = [Sampled(each.line, 0.01 if b"POST" in each.line else 1) for each in _sample(old)]
    assert breach(old, _file(100), light) is None


def _lines(count: int) -> list[AccessLine]:
    return [AccessLine("t", "GET", f"/{number}", 200, 1.0) for number in range(count)]


@pytest.mark.parametrize("count", [1, 3, 4, 7, 63, 64])
def test_a_sample_of_a_fold_stands_for_all_of_it(count: int) -> None:
    sampling = Sampling()
    for _ in range(5):
        sampling.add(_lines(count))
        taken = sampling.take()
        assert 1 <= len(taken) <= 15
        assert sum(each.weight for each in taken) == pytest.approx(count)
    assert sampling.take() == []


def test_the_last_hour_is_kept_in_few_lines_that_stand_for_all() -> None:
    recent = Recent()
    for minute in range(KEPT_MINUTES + 30):
        for _ in range(10):
            recent.add(minute * 60.0, [Sampled(b"%d" % minute, 2.0)] * 50)
    kept = recent.lines((KEPT_MINUTES + 29) * 60.0)
    assert KEPT / 2 < len(kept) <= KEPT
    assert {int(each.line) for each in kept} == set(range(30, KEPT_MINUTES + 30))
    assert sum(each.weight for each in kept) == pytest.approx(KEPT_MINUTES * 1_000)
    later = recent.lines((KEPT_MINUTES + 29 + 30) * 60.0)
    assert {int(each.line) for each in later} == set(range(60, KEPT_MINUTES + 30))
