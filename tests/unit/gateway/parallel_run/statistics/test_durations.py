"""Quantiles of durations are bounded at every moment, and slowness is seen."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run.statistics.durations import LEAST_S, MOST_S, Between, Durations, Pairs


def _of(values: list[float]) -> Durations:
    made = Durations()
    for value in values:
        made.add(value)
    return made


def test_nothing_is_known_of_nothing() -> None:
    assert Durations().quantile(0.5) is None
    assert Durations().bounds(0.5, 0.95) == Between(0, math.inf)


@given(st.lists(st.floats(LEAST_S, MOST_S), min_size=1), st.floats(0.01, 0.99))
def test_a_quantile_is_right_to_two_percent(values: list[float], share: float) -> None:
    exact = sorted(values)[math.ceil(share * len(values)) - 1]
    assert _of(values).quantile(share) == pytest.approx(exact, rel=0.02)


@given(st.lists(st.floats(LEAST_S, MOST_S)), st.floats(0.01, 0.99))
def test_the_bounds_hold_the_observed_quantile(values: list[float], share: float) -> None:
    found = _of(values)
    between, middle = found.bounds(share, 0.95), found.quantile(share)
    assert middle is None or between.low <= middle <= between.high


@pytest.mark.parametrize("value", [0, -1, 1e-9, 1e9])
def test_values_out_of_bounds_count_as_the_nearest(value: float) -> None:
    assert _of([value]).total == 1
    assert _of([value]).quantile(0.5) == pytest.approx(LEAST_S if value < 1 else MOST_S, rel=0.03)


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_bounds_that_are_looked_at_all_the_time_are_wrong_in_one_of_twenty_streams_at_most(
    share: float,
) -> None:
    source = random.Random(11)
    streams, wrong = 100, 0
    truth = math.exp(_NORMAL[share] * 0.5)
    for _ in range(streams):
        made = Durations()
        for count in range(1, 1001):
            made.add(source.lognormvariate(0, 0.5))
            if count % 50 == 0:
                between = made.bounds(share, 0.95)
                if not between.low <= truth <= between.high:
                    wrong += 1
                    break
    assert wrong / streams <= 0.05


_NORMAL = {0.5: 0.0, 0.95: 1.6448536269514722}
"""Quantiles of the normal distribution."""


def test_sums_are_as_if_counted_together() -> None:
    one, other = _of([0.1, 0.2]), _of([0.2, 0.4])
    one.merge([other])
    assert one.counts == _of([0.1, 0.2, 0.2, 0.4]).counts
    assert Durations(one.counts).total == 4


def test_a_candidate_that_takes_half_as_long_again_is_seen() -> None:
    source = random.Random(5)
    pairs = Pairs.none()
    for _ in range(3_000):
        size = source.lognormvariate(-3, 0.3)
        pairs.add(size, size * 1.5 * source.uniform(0.9, 1.1))
    found = pairs.slowdown(0.5, 0.95)
    assert 1.3 < found.low <= 1.5 <= found.high < 1.7
    # Request by request what is noise to both has gone, so that the same is known much better.
    paired = pairs.ratio.bounds(0.5, 0.95)
    assert 1.45 < paired.low <= 1.5 <= paired.high < 1.56
