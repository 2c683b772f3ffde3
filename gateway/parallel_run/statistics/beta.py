"""The incomplete beta function, as logarithms: evidence is often far smaller than a float's least.

``I_x(a, b)`` is the chance that a Beta(a, b) variable is at most x; as a continued fraction
(NIST DLMF 8.17.22), which takes some sqrt(max(a, b)) steps on the side where it converges.
"""

from __future__ import annotations

import math

_PRECISION = 1e-15
_TINY = 1e-300
"""In place of a zero denominator (Lentz's method)."""
_MOST_STEPS = 100_000
"""Enough for samples of 10^9."""


def log_beta(a: float, b: float) -> float:
    """Log of B(a, b), both > 0."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def log_below(x: float, a: float, b: float) -> float:
    """Log of I_x(a, b): of the mass that Beta(a, b) has below x, for 0 < x < 1 and a, b > 0."""
    if x <= (a + 1) / (a + b + 2):
        return _log_tail(x, a, b)
    return _log_rest(_log_tail(1 - x, b, a))


def _log_rest(log_part: float) -> float:
    """Log of what is left of 1; rounding may have made the part a little too large."""
    return math.log(max(-math.expm1(log_part), _TINY))


def _log_tail(x: float, a: float, b: float) -> float:
    front = a * math.log(x) + b * math.log1p(-x) - log_beta(a, b) - math.log(a)
    return front + math.log(_fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    upper, lower = 1.0, _safe(1 - (a + b) * x / (a + 1))
    lower = 1 / lower
    value = lower
    for step in range(1, _MOST_STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        last = value
        for term in (even, odd):
            lower = 1 / _safe(1 + term * lower)
            upper = _safe(1 + term / upper)
            value *= upper * lower
        if abs(value - last) < _PRECISION * value:
            return value
    raise ArithmeticError(f"I_{x}({a}, {b}) does not converge within {_MOST_STEPS} steps")


def _safe(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
