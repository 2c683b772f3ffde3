"""Different ones are counted exactly up to a bound, closely beyond it, always in bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.whatif import distinct as module
from gateway.whatif.distinct import Count, Distinct, Room


@given(st.lists(st.text(max_size=3)))
def test_few_are_counted_exactly(texts: list[str]) -> None:
    counter = Distinct(Room())
    for text in texts:
        counter.add(text)
    assert counter.count() == Count(len(set(texts)), is_exact=True)


@pytest.mark.parametrize("count", [2_000, 30_000])
def test_many_are_estimated_within_three_standard_errors(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXACT_UP_TO", 1_000)
    counter = Distinct(Room())
    for number in range(count):
        counter.add(f"customer {number}")
        counter.add(f"customer {number // 2}")
    estimate = counter.count()
    assert not estimate.is_exact
    assert estimate.count == pytest.approx(count, rel=0.025)


def test_all_counters_together_keep_no_more_than_there_is_room_for() -> None:
    room = Room(100)
    counters = [Distinct(room) for _ in range(4)]
    for number in range(60):
        for counter in counters:
            counter.add(str(number))
    assert 0 <= room.left <= 100
    counts = [counter.count() for counter in counters]
    assert any(not count.is_exact for count in counts)
    assert all(count.count == pytest.approx(60, rel=0.05) for count in counts)
