"""What is known of one stratum within one epoch, folded from its trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.parallel_run.classes import AGAINST, COUNTED, UNCOMPARED, TrialClass
from gateway.parallel_run.noise import Exchangeability
from gateway.parallel_run.statistics.durations import Durations, Pairs


@dataclass(slots=True, kw_only=True)
class Evidence:
    """Counts of trials, and of the distinct requests among them.

    The same request asked a thousand times says little more than once: the statistics go by
    distinct requests, each mismatched if any of its trials was.
    """

    classes: Counter[TrialClass] = field(default_factory=Counter)
    """Trials by class."""
    distinct: int = 0
    """Distinct requests that were compared."""
    mismatched: int = 0
    """How many of these differed in any trial."""
    seen_once: int = 0
    """Distinct requests that came in one trial only, so far."""
    seen_twice: int = 0
    newest_at_s: float | None = None
    """When the newest trial was, seconds since 1970."""
    distinct_per_s: float = 0.0
    """New distinct requests a second, lately."""
    latency: Pairs = field(default_factory=Pairs.none)
    """Of trials that were compared."""
    pictures: Exchangeability = field(default_factory=Exchangeability)
    """Of pictures that are judged by many."""
    looked_at: int = 0
    """Trials with such pictures."""
    places: Counter[str] = field(default_factory=Counter)
    """Distinct requests by the place at which they differ; one may differ at several."""

    @property
    def trials(self) -> int:
        """Those that were compared."""
        return sum(self.classes[one] for one in COUNTED)

    @property
    def against(self) -> int:
        """Trials that count against the candidate."""
        return sum(self.classes[one] for one in AGAINST)

    @property
    def uncompared_share(self) -> float:
        """Of the requests that were to be compared, 0..1."""
        left_out = sum(self.classes[one] for one in UNCOMPARED)
        return left_out / (left_out + self.trials) if left_out else 0.0

    @property
    def commonest_uncompared(self) -> TrialClass:
        """The class of most of them."""
        return max(sorted(UNCOMPARED), key=lambda one: self.classes[one])

    @property
    def total_distinct(self) -> float:
        """How many distinct requests there seem to be at all, from how many came once and twice.

        The bias-corrected estimate of Chao (1984), a lower bound: it grows as long as new requests
        keep coming.
        """
        return self.distinct + self.seen_once * (self.seen_once - 1) / (2 * (self.seen_twice + 1))


def together(many: Iterable[Evidence]) -> Evidence:
    """The evidence of several strata, as of one."""
    pool = Evidence()
    for one in many:
        pool.classes.update(one.classes)
        pool.places.update(one.places)
        pool.pictures.merge(one.pictures)
        pool.looked_at += one.looked_at
        pool.distinct += one.distinct
        pool.mismatched += one.mismatched
        pool.seen_once += one.seen_once
        pool.seen_twice += one.seen_twice
        pool.distinct_per_s += one.distinct_per_s
        newest = [at for at in (pool.newest_at_s, one.newest_at_s) if at is not None]
        pool.newest_at_s = max(newest, default=None)
        for into, other in zip(_durations(pool.latency), _durations(one.latency), strict=True):
            into.merge([other])
    return pool


def _durations(pairs: Pairs) -> tuple[Durations, Durations, Durations]:
    return pairs.control, pairs.candidate, pairs.ratio


def as_counts(classes: Mapping[TrialClass, int]) -> dict[str, int]:
    """By name, without zeros, in the order of the balance sheet."""
    return {one.value: classes[one] for one in TrialClass if classes.get(one)}
