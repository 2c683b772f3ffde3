"""What the measurements come to, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

DIRECT = "no proxy"
"""Label of the origin itself, asked directly."""
Rounds = list[float | None]
"""One value a round; None where a round failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A proxy that took part."""

    label: str
    version: str
    features: str


@dataclass(slots=True, kw_only=True)
class Costs:
    """CPU per request, side by side."""

    peers: dict[str, Measured] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """Label -> why it could not take part."""
    cpu_us: dict[tuple[str, str], Rounds] = field(default_factory=dict)
    """(case, peer) -> microseconds of CPU a request."""
    faults: list[str] = field(default_factory=list)
    """Rounds that failed, and why."""


@dataclass(slots=True, kw_only=True)
class Latencies:
    """Time of a request when there is no other."""

    p50_us: dict[str, Rounds]
    """Label -> median of each round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Resident memory of one proxy during one long transfer."""

    label: str
    direction: str
    transfer_mib: int
    idle_bytes: int
    peak_bytes: int


@dataclass(slots=True, kw_only=True)
class Growth:
    """Cost as something grows; the first row is what the others are compared with."""

    of: str
    """What grows: ``routes``."""
    cpu_us: dict[int, Rounds]
    skipped: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Workers:
    """One worker beside two."""

    one_us: Rounds
    two_us: Rounds
    first_share: Rounds
    """The part (0..1) of the two workers' requests that the first of them took."""


@dataclass(slots=True, kw_only=True)
class Flips:
    """From writing routes.yaml to the first request that goes by it."""

    took_ms: list[float]


@dataclass(slots=True, kw_only=True)
class Results:
    """Whatever was measured; None for the rest."""

    costs: Costs | None = None
    latencies: Latencies | None = None
    memory: list[Memory] | None = None
    routes: Growth | None = None
    idle: Growth | None = None
    workers: Workers | None = None
    flips: Flips | None = None
