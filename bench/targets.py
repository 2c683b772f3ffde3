"""What the gateway sets out to reach. Nothing is asserted: the report says what was met."""

from __future__ import annotations

from collections.abc import Mapping


def _most(of_1k: float, of_64k: float, of_10m: float) -> Mapping[str, float]:
    """By case, for answers of three sizes."""
    small = dict.fromkeys(("get-1k", "get-1k-id", "post-1k"), of_1k)
    return {**small, "get-64k": of_64k, "get-10m": of_10m}


COST_RATIOS: Mapping[str, Mapping[str, float]] = {
    "envoy": _most(0.75, 0.85, 0.95),
    "nginx": _most(2.6, 1.4, 0.6),
    "traefik": _most(0.35, 0.5, 0.9),
    "caddy": _most(0.4, 0.55, 0.9),
    "aiohttp": _most(1 / 5, 1 / 3.5, 0.6),
    "starlette": _most(1 / 60, 1 / 25, 1 / 3),
}
"""Peer -> case -> most that Figueira's CPU per request may be of the peer's.

A peer that is missing here is shown beside the others, without a target.
"""
LATENCY_RATIO = 1.0
"""Unloaded median against Envoy's."""
MEMORY_MIB = 8.0
"""Above idle, while a long body crosses."""
ROUTES_RATIO = 1.15
"""1,000 routes against one."""
IDLE_RATIO = 1.2
"""5,000 idle connections against 10."""
WORKERS_RATIO = 1.1
"""Two workers against one."""
WORKER_SHARE = 0.6
"""Of the requests, for the busier of two workers: the other then has 40 %."""
FLIP_MS = 100.0


def verdict(value: float | None, most: float) -> str:
    """The value beside its target, in words that a table can hold."""
    if value is None:
        return "not measured"
    if value <= most:
        return f"{digits(value)} (≤ {digits(most)}, met)"
    return f"{_above(value, most)} (≤ {digits(most)}, **not met**)"


def _above(value: float, most: float) -> str:
    """A number with as many more digits as it takes: a near miss must not look like a hit."""
    shown, precision = digits(value), 4
    while shown == digits(most) or float(shown.replace(",", "")) <= most:
        shown, precision = f"{value:.{precision}g}", precision + 1
    return shown


def digits(value: float) -> str:
    """A number with as many digits as it deserves: three, and no more than it has."""
    if value >= 100:  # noqa: PLR2004 - three digits before the point
        return f"{value:,.0f}"
    if value >= 10:  # noqa: PLR2004 - two of them
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"  # noqa: PLR2004 - and none
