"""How long things take: counts in steps of 2 %, from which quantiles are bounded.

A quantile's bounds hold at every moment at once: "the p-quantile is above x" is the claim that less
than a share p of all durations is at most x, and that is a rate, bet on as in `rate`. Each bound
spends half of the error that is allowed. Rounding to steps is always outwards.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gateway.parallel_run.statistics.rate import is_above, is_below

LEAST_S = 1e-5
MOST_S = 3600.0
_STEP = 1.02
"""Finer than any difference that somebody would act on."""
_LOG_STEP = math.log(_STEP)
_LAST = math.ceil(math.log(MOST_S / LEAST_S) / _LOG_STEP)


@dataclass(frozen=True, slots=True)
class Between:
    """Where something lies; `high` is infinite where there is too little evidence."""

    low: float
    high: float


class Durations:
    """Counts of positive numbers, seconds or ratios of seconds, in geometric steps."""

    __slots__ = ("counts", "total")

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        """Begin with `counts` of an earlier one: step -> how many."""
        self.counts = dict(counts or {})
        self.total = sum(self.counts.values())

    def add(self, value: float) -> None:
        """Count one; what is out of `LEAST_S`..`MOST_S` counts as the nearest of these."""
        step = math.floor(math.log(max(value, LEAST_S) / LEAST_S) / _LOG_STEP)
        step = min(step, _LAST)
        self.counts[step] = self.counts.get(step, 0) + 1
        self.total += 1

    def merge(self, others: Iterable[Durations]) -> None:
        """Add what others counted."""
        for other in others:
            for step, count in other.counts.items():
                self.counts[step] = self.counts.get(step, 0) + count
            self.total += other.total

    def quantile(self, share: float) -> float | None:
        """The value that a share of them does not exceed, in the middle of its step; None of none.

        Args:
            share: 0 < share < 1.
        """
        seen = 0
        for step in sorted(self.counts):
            seen += self.counts[step]
            if seen >= share * self.total:
                return _edge_s(step + 0.5)
        return None

    def bounds(self, share: float, confidence: float) -> Between:
        """Where the true quantile lies, with that confidence, whenever and how often one asks."""
        few, many = _ranks(self.total, share, 1 - (1 - confidence) / 2)
        low, high, seen = 0.0, math.inf, 0
        for step in sorted(self.counts):
            if seen >= many:
                return Between(low, _edge_s(step))
            seen += self.counts[step]
            if seen < few:
                low = _edge_s(step + 1)
        if seen >= many:
            high = _edge_s(max(self.counts) + 1)
        return Between(low, high)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Durations of the same requests on both sides."""

    control: Durations
    candidate: Durations
    ratio: Durations
    """The candidate's over the control's, request by request: what is noise to both cancels out."""

    @classmethod
    def none(cls) -> Pairs:
        """No request so far."""
        return cls(Durations(), Durations(), Durations())

    def add(self, control_s: float, candidate_s: float) -> None:
        """Count one request, both durations > 0."""
        self.control.add(control_s)
        self.candidate.add(candidate_s)
        self.ratio.add(candidate_s / max(control_s, LEAST_S))

    def slowdown(self, share: float, confidence: float) -> Between:
        """The candidate's quantile over the control's: 2.0 takes twice as long.

        Both bounds have to hold at once, so each gets half of the error that is allowed.
        """
        each = 1 - (1 - confidence) / 2
        control = self.control.bounds(share, each)
        candidate = self.candidate.bounds(share, each)
        low = 0.0 if math.isinf(control.high) else candidate.low / control.high
        high = candidate.high / control.low if control.low else math.inf
        return Between(low, high)


# Both sides of a trial have counted as many, and are asked for the same shares.
@lru_cache(maxsize=64)
def _ranks(total: int, share: float, confidence: float) -> tuple[int, int]:
    """With fewer than the first at or below a value, the quantile is certainly above it.

    With as many as the second below a value, it is certainly not above.
    """
    ranks = range(total + 1)
    few = bisect_left(ranks, True, key=lambda k: not is_below(total, k, share, confidence))
    many = bisect_left(ranks, True, key=lambda k: is_above(total, k, share, confidence))
    return few, many


def _edge_s(step: float) -> float:
    """The lower edge of a step."""
    return LEAST_S * math.exp(step * _LOG_STEP)
