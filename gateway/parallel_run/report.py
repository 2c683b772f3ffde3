"""What is told of a parallel run: verdict, evidence, balance sheet, differences, noise, rules.

The field names are the keys of ``figueira report --json`` and of the admin port; fields may be
added, and none changes its meaning or goes away while `FORMAT` stays.
"""

from __future__ import annotations

import msgspec

from gateway.parallel_run.examples import Example

FORMAT = 1


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """How long one side takes, in seconds; None without any trial."""

    p50_s: float | None
    p95_s: float | None


class Slower(msgspec.Struct, frozen=True, kw_only=True):
    """The candidate's time over the control's: 2.0 takes twice as long."""

    median: float | None
    """Request by request."""
    at_least: float
    at_most: float | None
    """The median lies between, at the run's confidence; None: nobody can tell."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How long both sides take for the same requests."""

    control: Quantiles
    candidate: Quantiles
    ratio: Slower


class StratumReport(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request."""

    name: str
    """``GET /images/{id} 2xx``; ``(rare requests)`` for all that are too few to be judged alone."""
    state: str
    """``ready``, ``not ready`` or ``insufficient``."""
    reasons: tuple[str, ...]
    distinct: int
    """Different requests: n."""
    mismatched: int
    """Those of them that differed in any trial: k."""
    rate_at_least: float
    rate_at_most: float
    """The mismatch rate lies between, 0..1."""
    more: int | None
    """Different requests that are still needed; None where more would not help."""
    more_s: float | None
    """About how long that takes."""
    trials: int
    """That were compared."""
    uncompared_share: float
    """Of what was to be compared, 0..1."""
    passed_over: int
    """Compared trials of requests that are not told apart, there are so many."""
    newest_at: str | None
    latency: Latency
    consists_of: tuple[str, ...] = ()
    """The kinds that are judged together here."""


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """``eligible`` = ``pending`` + the sum of ``classes``, always."""

    eligible: int
    pending: int
    classes: dict[str, int]
    """By class, in the order of the documentation; zeros are left out."""


class PlaceReport(msgspec.Struct, frozen=True, kw_only=True):
    """One place at which the two sides differ."""

    place: str
    stratum: str
    distinct: int
    """Different requests that differ there."""
    share: float
    """Of those of its stratum that differ at all, 0..1."""
    trials: int
    kinds: dict[str, int]
    newest_at: str
    is_noise: bool
    """Whether the old code differs from itself there, and the candidate no more than that."""
    is_worse: bool
    """Whether it is proved that the candidate differs more there than the old code from itself."""
    examples: tuple[Example, ...] = ()


class NoiseReport(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the old code differs from itself."""

    place: str
    stratum: str
    triads: int
    """Trials with a second control in which anybody differed there."""
    candidate: int
    """How often the candidate alone did."""
    control: int
    """How often the second control alone did."""
    both: int
    rule: str
    """A proposed rule in YAML; empty where none can name the place."""


class RuleReport(msgspec.Struct, frozen=True, kw_only=True):
    """A declared rule, and whether it did anything in this epoch."""

    rule: str
    """As differences name it: ``ignore json:$.created_at``."""
    trials: int
    """In which it covered a difference."""
    because: str = ""
    until: str = ""
    is_expired: bool = False


class EpochReport(msgspec.Struct, frozen=True, kw_only=True):
    """Which evidence this is, or was."""

    number: int
    """What ``--epoch`` takes; 0 for one that no trial is of yet."""
    build: str
    rules: str
    """A digest."""
    began_at: str
    newest_at: str
    resets: int


class ResetReport(msgspec.Struct, frozen=True, kw_only=True):
    """An operator's word that evidence begins anew."""

    at: str
    because: str
    author: str | None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """``ready_when``."""

    mismatch_rate_below: float
    confidence: float
    max_uncompared: float
    max_latency_ratio: float | None


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """All that is told of a run."""

    format: int = FORMAT
    run: str
    control: str
    candidate: str
    is_reversed: bool
    sample: float
    """Percent."""
    routes: tuple[str, ...]
    at: str
    """When it was judged; all moments are RFC 3339 in UTC."""
    state: str
    reasons: tuple[str, ...]
    ready_when: Limits
    epoch: EpochReport
    before: tuple[EpochReport, ...]
    """Other epochs that are still kept, the newest first."""
    resets: tuple[ResetReport, ...]
    strata: tuple[StratumReport, ...]
    """Worst first, then the one with the most requests."""
    balance: Balance
    second_controls: int
    """Trials in which a second control was asked; without any, nothing is called noise."""
    differences: tuple[PlaceReport, ...]
    """Those with the most requests first."""
    differences_in_all: int
    noise: tuple[NoiseReport, ...]
    rules: tuple[RuleReport, ...]
    faults: dict[str, int]
    """Why comparisons failed -> trials."""
