"""Medians and ratios."""

from __future__ import annotations

import pytest

from bench.rounds import median_of, median_ratio, percentile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 0.99, 4.0),
        ([1.0, 2.0, 3.0, 4.0], 0.0, 1.0),
        ([7.0], 1.0, 7.0),
    ],
)
def test_a_percentile_is_one_of_the_values(
    values: list[float], share: float, expected: float
) -> None:
    assert percentile(values, share) == expected


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_failed_rounds_do_not_count() -> None:
    assert median_of([5.0, None, 1.0, 3.0]) == 3.0
    assert median_of([None]) is None


def test_ratios_are_taken_within_rounds_before_their_median() -> None:
    """The second round's machine was ten times slower for both: its ratio is as good as any."""
    assert median_ratio([10.0, 200.0, 12.0], [20.0, 400.0, 16.0]) == 0.5
    assert median_ratio([10.0, None, 30.0], [None, 20.0, 10.0]) == 3.0
    assert median_ratio([10.0], [None]) is None
    assert median_ratio([10.0], [0.0]) is None
