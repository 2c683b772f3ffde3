"""How often something happens at most, or at least: k of n, looked at as often as one likes.

The bet against "at least p0" spreads its stake evenly over all smaller rates; against "at most p0"
over all larger ones. Both have a closed form in the incomplete beta function:

    E(n, k) = 1/p0 * integral over p in (0, p0) of (p/p0)^k * ((1-p)/(1-p0))^(n-k) dp

(Robbins 1970; Ville 1939 for why its crossing of 1/alpha is that rare.) Requests of one stratum are
taken to be exchangeable.
"""

from __future__ import annotations

import math

from gateway.parallel_run.statistics.beta import log_below, log_beta

MOST_NEEDED = 10**9
"""Requests; who needs more will not get them."""
_STEPS = 60
"""Of a bisection: beyond a float's precision."""


def log_evidence_below(n: int, k: int, limit: float) -> float:
    """Log of the evidence against "the rate is at least `limit`", from k events in n, 0 <= k <= n.

    Args:
        n: Trials.
        k: How many of them were events.
        limit: 0 < limit < 1.
    """
    mass = log_beta(k + 1, n - k + 1) + log_below(limit, k + 1, n - k + 1)
    return mass - math.log(limit) - _log_likelihood(n, k, limit)


def log_evidence_above(n: int, k: int, limit: float) -> float:
    """Log of the evidence against "the rate is at most `limit`"."""
    return log_evidence_below(n, n - k, 1 - limit)


def is_below(n: int, k: int, limit: float, confidence: float) -> bool:
    """Whether the rate is below `limit`; wrong with a chance of 1 - `confidence`, ever."""
    return log_evidence_below(n, k, limit) >= log_needed(confidence)


def is_above(n: int, k: int, limit: float, confidence: float) -> bool:
    """Whether the rate is above `limit`, as surely."""
    return log_evidence_above(n, k, limit) >= log_needed(confidence)


def log_needed(confidence: float) -> float:
    """Log of the evidence that counts as proof, for 0 < confidence < 1."""
    return -math.log1p(-confidence)


def upper_bound(n: int, k: int, confidence: float) -> float:
    """The rate is below this, 0..1: the largest that the evidence does not exclude."""
    if n == k:
        return 1.0
    low, high = max(k / n, 1e-12), 1 - 1e-12
    if not is_below(n, k, high, confidence):
        return 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_below(n, k, middle, confidence) else (middle, high)
    return high


def lower_bound(n: int, k: int, confidence: float) -> float:
    """The rate is above this, 0..1."""
    return 1 - upper_bound(n, n - k, confidence)


def needed(k: int, limit: float, confidence: float, at_least: int = 0) -> int | None:
    """The smallest n, `at_least` or more, at which k events prove a rate below `limit`.

    None where more than `MOST_NEEDED` are needed.
    """
    low = max(k, at_least, 1)
    if is_below(low, k, limit, confidence):
        return low
    high = low
    while not is_below(high, k, limit, confidence):
        low, high = high, high * 2
        if high > MOST_NEEDED:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_below(middle, k, limit, confidence) else (middle, high)
    return high


def forecast(n: int, k: int, limit: float, confidence: float) -> int | None:
    """The n at which the rate is proved, if events go on as often as until now; None: never.

    The rate that is taken to go on is what was observed, k / n.
    """
    if k == 0 or n == 0:
        return needed(k, limit, confidence, n)
    if k / n >= limit:
        return None
    low, high = n, n
    while not is_below(high, round(high * k / n), limit, confidence):
        low, high = high, high * 2
        if high > MOST_NEEDED:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        proved = is_below(middle, round(middle * k / n), limit, confidence)
        low, high = (low, middle) if proved else (middle, high)
    return high


def _log_likelihood(n: int, k: int, rate: float) -> float:
    return k * math.log(rate) + (n - k) * math.log1p(-rate)
