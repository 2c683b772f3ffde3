"""What routes.yaml says of a backend's health, and of what happens when it fails: plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a backend's addresses are probed: by GET, each by itself."""

    path: str
    """The target."""
    interval_s: float = 5.0
    """From one probe to the next."""
    timeout_s: float = 2.0
    """Until a probe's answer is there, the connection included."""
    unhealthy_after: int = 3
    """Failures in a row that make an address ill."""
    healthy_after: int = 2
    """Good probes in a row that make it well again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """When too many of a backend's answers are failures."""

    failures: float = 0.5
    """Their share of all, in (0, 1]."""
    window_s: float = 10.0
    """Within which they are counted."""
    min_requests: int = 20
    """Fewer within the window say nothing."""
    open_s: float = 10.0
    """How long no new work is given, before one request is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftError:
    """Answers of `status` whose JSON matches count as another status."""

    json: str
    """A path, as `gateway.json_path` takes it."""
    equals: str | int | float | bool | None = None
    """The value that has to stand there; None: any but null, false, 0 and what is empty."""
    status: int = 200
    counts_as: int
    """400..599."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """Who is asked instead, once, when a backend is unavailable."""

    to: str
    """Another backend's name."""
