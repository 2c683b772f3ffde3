"""What the gateway sets out to reach. Nothing is asserted: the report says what was met."""

from __future__ import annotations

from collections.abc import Mapping

COST_RATIOS: Mapping[str, Mapping[str, float]] = {
    "envoy": {"get-1k": 0.75, "post-1k": 0.75, "get-64k": 0.85, "get-10m": 0.95},
    "traefik": {"get-1k": 0.35, "post-1k": 0.35, "get-64k": 0.5, "get-10m": 0.9},
    "caddy": {"get-1k": 0.4, "post-1k": 0.4, "get-64k": 0.55, "get-10m": 0.9},
    "nginx": {"get-1k": 2.6, "post-1k": 2.6, "get-64k": 1.4, "get-10m": 0.6},
    "aiohttp": {"get-1k": 1 / 5, "post-1k": 1 / 5, "get-64k": 1 / 3.5, "get-10m": 0.6},
    "starlette": {"get-1k": 1 / 60, "post-1k": 1 / 60, "get-64k": 1 / 25, "get-10m": 1 / 3},
}
"""Peer -> case -> most that Figueira's CPU per request may be of the peer's."""
LATENCY_RATIO = 1.0
"""Unloaded median against Envoy's."""
MEMORY_MIB = 8.0
"""Above idle, with a long body and a slow end."""
ROUTES_RATIO = 1.15
"""1,000 routes against one."""
IDLE_RATIO = 1.2
"""5,000 idle connections against 10."""
WORKERS_RATIO = 1.1
"""Two workers against one."""
WORKER_SHARES = (0.4, 0.6)
FLIP_MS = 100.0


def verdict(value: float | None, most: float) -> str:
    """The value beside its target, in words that a table can hold."""
    if value is None:
        return "not measured"
    said = "met" if value <= most else "**not met**"
    return f"{digits(value)} (≤ {digits(most)}, {said})"


def digits(value: float) -> str:
    """A number with as many digits as it deserves: three, and no more than it has."""
    if value >= 100:  # noqa: PLR2004 - three digits before the point
        return f"{value:,.0f}"
    if value >= 10:  # noqa: PLR2004 - two of them
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"  # noqa: PLR2004 - and none
