"""What the measurements come to, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

OURS, OUR_LABEL = "figueira", "Figueira"
"""Name and label of the gateway itself."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """How much of a core each used in a round: near 1, the others waited for it."""

    proxy: float
    load: float
    origin: float


@dataclass(slots=True, kw_only=True)
class Costs:
    """CPU per request, side by side."""

    peers: dict[str, Measured] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """Label -> why it could not take part."""
    cpu_us: dict[tuple[str, str], Rounds] = field(default_factory=dict)
    """(case, peer) -> microseconds of CPU a request."""
    busy: dict[tuple[str, str], list[Busy]] = field(default_factory=dict)
    """(case, peer) -> who was busy; rounds that failed are left out."""
    opened: dict[str, int] = field(default_factory=dict)
    """Peer -> most connections to the origin that it opened in a round."""
    faults: list[str] = field(default_factory=list)
    """Rounds that failed, and why."""


@dataclass(slots=True, kw_only=True)
class Latencies:
    """Time of a request when there is no other."""

    p50_us: dict[str, Rounds]
    """Label -> median of each round."""


@dataclass(slots=True, kw_only=True)
class Memory:
    """Memory of each proxy during long transfers."""

    transfer_mib: int
    slow_mib_per_s: int
    idle_bytes: dict[str, int] = field(default_factory=dict)
    """Label -> what all its processes hold, warm and with nothing to do."""
    above_bytes: dict[tuple[str, str], int] = field(default_factory=dict)
    """(label, transfer) -> the most above that."""
    faults: list[str] = field(default_factory=list)


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
    busier_share: Rounds
    """The part (0.5..1) of the two workers' requests that the busier of them took."""


@dataclass(slots=True, kw_only=True)
class Flips:
    """From writing routes.yaml to the first request that goes by it."""

    took_ms: list[float]


@dataclass(slots=True, kw_only=True)
class Results:
    """Whatever was measured; None for the rest."""

    costs: Costs | None = None
    latencies: Latencies | None = None
    memory: Memory | None = None
    routes: Growth | None = None
    idle: Growth | None = None
    workers: Workers | None = None
    flips: Flips | None = None
