"""A parallel run as routes.yaml declares it, compiled (``parallel_runs.NAME``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Writes = Literal["none", "idempotent", "sandbox", "allow"]
"""How unsafe methods are repeated on the candidate: not at all; where the method itself is
idempotent (PUT, DELETE); marked, for a candidate that leaves nothing behind; as they are. All but
``none`` come with an Idempotency-Key."""
SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1); TRACE is never forwarded."""
_IDEMPOTENT = frozenset({b"PUT", b"DELETE"})
Normaliser = Literal["timestamp", "uuid", "url_host", "id_alias"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a rule applies, and to all below: exactly one of these."""

    json: str = ""
    """RFC 9535 JSONPath, of JSON and of what is compared like it: forms as ``$.name[*]``, events of
    a stream as ``$[*].data``."""
    html: str = ""
    """Path of elements as mismatches have it: ``/html/body/form/input/@value``."""
    header: str = ""
    """Lower-case name."""

    def __str__(self) -> str:
        """``json:$.created_at``, as mismatches are written."""
        kind = "json" if self.json else "html" if self.html else "header"
        return f"{kind}:{self.json or self.html or self.header}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """A difference that does not matter (``ignore``)."""

    place: Place
    because: str
    until: str
    """ISO date; from the next day on the file does not pass ``check``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalise:
    """A value that is brought to one form before it is compared (``normalise``)."""

    place: Place
    to: Normaliser


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerate:
    """Numbers that may differ a little (``tolerate``)."""

    place: Place
    absolute: float = 0.0
    relative: float = 0.0
    """Of the control's value, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPair:
    """Statuses that are declared to be one answer (``same_status``), soft errors counted in."""

    control: int
    candidate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What is asked of pictures beyond their contract (``images``)."""

    compare: Literal["pixels", "perceptual", "exchangeable", "contract"] = "pixels"
    """``exchangeable``: no picture is held against another. Over many, the candidate's must be no
    further from the control's than those of a second control are, and vary as much."""
    distance: float = 0.0
    """The largest perceptual distance, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What two answers are compared by; evidence under other rules is of another epoch."""

    headers: tuple[str, ...] = (
        "content-type",
        "content-disposition",
        "location",
        "cache-control",
        "set-cookie",
        "www-authenticate",
    )
    """Lower-case names that are compared; all others are the frameworks' own business. Of cookies
    names and attributes are, and never values."""
    ignore: tuple[Ignore, ...] = ()
    normalise: tuple[Normalise, ...] = ()
    tolerate: tuple[Tolerate, ...] = ()
    unordered: tuple[Place, ...] = ()
    same_status: tuple[StatusPair, ...] = ()
    pictures: Pictures = Pictures()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What trials may take; None sets no limit."""

    per_second: float | None = None
    per_day: int | None = None
    in_flight: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyWhen:
    """When the team may cut over (``ready_when``)."""

    mismatch_rate_below: float = 0.001
    """A share, 0..1."""
    confidence: float = 0.95
    max_uncompared: float = 0.05
    """Share of the sampled requests of a stratum that may have ended uncompared."""
    unproved_share: float = 0.0
    """Share of the traffic, 0..1, that kinds of requests may have together of which there were too
    few to prove anything, and none differed."""
    max_latency_ratio: float | None = None
    """The candidate's p50 and p95 against the control's; None: reported, not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What examples of differences may show as it is (``examples``); all else is redacted."""

    plain: tuple[str, ...] = ()
    """Lower-case names of JSON members, form fields, query keys and headers."""
    pictures: bool = False
    """Whether pictures are kept whole, and not as small previews."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelRun:
    """Two sides, what is compared of them, and when that is enough."""

    name: str
    control: str
    candidate: str
    sample: int
    """Buckets of 100,000."""
    writes: Writes = "none"
    is_reversed: bool = False
    """After the cut-over: the customer gets the candidate's answer, the control is asked behind."""
    budget: Budget = Budget()
    rules: Rules = Rules()
    ready_when: ReadyWhen = ReadyWhen()
    second_control: str = ""
    """Backend that holds the control's code as well; empty: the control itself is asked twice."""
    noise_sample: int = 0
    """Buckets of 100,000 of the trials in which a second control is asked."""
    headers: tuple[tuple[str, str, str], ...] = field(default=(), repr=False)
    """(side, lower-case name, value): set on the requests of trials; ``${VAR}`` resolved."""
    mark_secret: str = field(default="", repr=False)
    """What the mark of a trial is signed with; empty: it is not."""
    build_header: str = ""
    """Header of the candidate's answers that names its build; empty: an operator says when."""
    build_health: tuple[str, str] | None = None
    """Path on the candidate, and JSONPath into its answer, that name the build; None: neither."""
    kept: Kept = Kept()
    watermark: str = ""
    """Path on the candidate that says how far its backfill is; empty: there is none."""

    @property
    def served(self) -> str:
        """The backend whose answers customers get, and trials begin with."""
        return self.candidate if self.is_reversed else self.control


def is_tried(writes: Writes, method: bytes) -> bool:
    """Whether requests of a method are repeated on the other side."""
    if method in SAFE or writes in {"sandbox", "allow"}:
        return True
    return writes == "idempotent" and method in _IDEMPOTENT
