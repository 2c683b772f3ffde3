"""What a metric is: its name, and how its samples are read from counters and facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from gateway.telemetry.counters import Counters


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What control knows beside the workers' counters."""

    revision: int
    """Of routes.yaml, the one that serves; 0 before the first."""
    last_reload_successful: bool
    """Whether the newest routes.yaml could be used."""
    reload_failures: int
    """Files refused since control started."""
    workers: int
    """Workers that are alive."""
    worker_restarts: int
    """Workers that had to be replaced since the start."""
    weights: dict[str, dict[str, float]]
    """Route -> backend -> percent, as routes.yaml says."""
    probed_ill: dict[str, dict[str, bool]]
    """Backend -> address -> whether its probes fail; none of what is not probed or not known."""
    control_restarts: int = 0
    """How often control had to be replaced since the start."""
    uptime_s: float = 0.0
    """Of the gateway."""
    spooled_bytes: int = 0
    """Of large bodies of trials, on the disk."""
    spool_limit_bytes: int = 0
    trial_bytes: int = 0
    """Of memory, given to trials under way for their bodies."""
    spool_refused: dict[str, int] = field(default_factory=dict)
    """Why bodies were not kept -> how many, since control started."""
    certificate_ends_s: float | None = None
    """When the certificate that customers are shown is over, seconds since 1970; None without."""


Labels = tuple[str, ...]
"""Values of the labels, in the metric's order."""
Buckets = list[tuple[str, float]]
"""Upper bound as text and the count up to it, ascending, the last one ``+Inf``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberMetric:
    """A metric whose samples are single numbers."""

    name: str
    """As it is exposed: a counter ends in ``_total``."""
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...] = ()
    read: Callable[[Counters, Facts], Iterable[tuple[Labels, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramMetric:
    """A metric whose samples are distributions: buckets, and the sum of all values."""

    name: str
    kind: Literal["histogram"] = "histogram"
    help: str
    labels: tuple[str, ...]
    read: Callable[[Counters, Facts], Iterable[tuple[Labels, Buckets, float]]]
