"""Medians, and ratios taken round by round."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of the values do not exceed.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = -int(-share * len(ordered) // 1)
    return ordered[max(rank, 1) - 1]


def median_of(values: Sequence[float | None]) -> float | None:
    """The median of the rounds that gave a value; None if none did."""
    present = [value for value in values if value is not None]
    return median(present) if present else None


def median_ratio(ours: Sequence[float | None], theirs: Sequence[float | None]) -> float | None:
    """The median of ours / theirs, round by round; None if no round has both.

    Neighbours in time share the machine's mood: a ratio within a round is steadier than a ratio of
    two medians.
    """
    pairs = zip(ours, theirs, strict=True)
    return median_of([one / other for one, other in pairs if one is not None and other])
