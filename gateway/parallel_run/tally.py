"""What is folded of the trials of one stratum within one epoch, and what that is evidence of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.parallel_run.admission import is_admitted
from gateway.parallel_run.classes import AGAINST, TrialClass
from gateway.parallel_run.entry import Entry, Found
from gateway.parallel_run.evidence import Evidence
from gateway.parallel_run.noise import MOST_PLACES, Exchangeability, NoiseBook
from gateway.parallel_run.statistics.durations import Durations, Pairs

DAY_S = 86_400.0
ARRIVAL_S = 600.0
"""Distinct requests are counted by ten minutes, for the rate at which new ones come."""
_MOST_FAULTS = 10
_MOST_RULES = 200
ELSEWHERE = "(elsewhere)"
"""Stands for the places for which there was no room."""


@dataclass(slots=True, kw_only=True)
class AtPlace:
    """What is known of one place of differences."""

    number: int
    """From 0; what a request's own record calls it."""
    distinct: int = 0
    """Distinct requests that differ there."""
    trials: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    newest_at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of one distinct request."""

    times: int
    """Trials, counted up to 3."""
    differs: bool
    """In any of them."""
    places: frozenset[int] = frozenset()
    """Numbers of `AtPlace`."""


_ENOUGH = 3
"""Once, twice, more often: nothing else is asked."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Folded counts of one stratum."""

    classes: Counter[TrialClass] = field(default_factory=Counter)
    distinct: int = 0
    mismatched: int = 0
    seen_once: int = 0
    seen_twice: int = 0
    passed_over: int = 0
    """Compared trials of requests that are not told apart any more: there were too many."""
    passed_over_against: int = 0
    first_at_s: float | None = None
    newest_at_s: float | None = None
    latency: Pairs = field(default_factory=Pairs.none)
    places: dict[str, AtPlace] = field(default_factory=dict)
    noise: NoiseBook = field(default_factory=NoiseBook)
    pictures: Exchangeability = field(default_factory=Exchangeability)
    looked_at: int = 0
    """Trials with pictures that differ and are judged by many."""
    second_controls: int = 0
    """Trials in which a second control was asked."""
    rules: Counter[str] = field(default_factory=Counter)
    """Trials by the rule that covered a difference."""
    faults: Counter[str] = field(default_factory=Counter)
    arrivals: Counter[int] = field(default_factory=Counter)
    """New distinct requests by the number of their ten minutes since 1970."""

    def count(self, became: TrialClass, times: int = 1) -> None:
        """Count requests of which nothing but the class is known."""
        self.classes[became] += times

    def fold(
        self, entry: Entry, fingerprint: bytes, known: Known | None, of_epoch: int
    ) -> Known | None:
        """Fold one trial in.

        Args:
            entry: The trial.
            fingerprint: Its request's, 16 bytes; empty where it has none.
            known: What is remembered of that request; None if nothing is.
            of_epoch: Requests that are remembered in all strata of the epoch.

        Returns:
            What to remember of the request from now on; None for nothing.
        """
        self.classes[entry.became] += 1
        self._fold_noise(entry)
        _count(self.rules, entry.rules, _MOST_RULES)
        _count(self.faults, [entry.fault] if entry.fault else [], _MOST_FAULTS)
        if not entry.is_compared:
            return known
        self._fold_time(entry)
        numbers = self._fold_places(entry)
        if known is None and not is_admitted(fingerprint, self.distinct, of_epoch):
            self.passed_over += 1
            self.passed_over_against += entry.became in AGAINST
            return None
        return self._fold_request(entry, known or _UNKNOWN, numbers)

    def _fold_noise(self, entry: Entry) -> None:
        self.looked_at += entry.is_looked_at
        if entry.looks is not None:
            self.pictures.add(entry.looks.candidate, entry.looks.second, entry.looks.again)
        if entry.second is None:
            return
        self.second_controls += 1
        self.noise.add(entry.first, entry.second, entry.again)

    def _fold_time(self, entry: Entry) -> None:
        first, newest = self.first_at_s, self.newest_at_s
        self.first_at_s = entry.at_s if first is None else min(first, entry.at_s)
        self.newest_at_s = entry.at_s if newest is None else max(newest, entry.at_s)
        if entry.latency is not None:
            self.latency.add(*entry.latency)

    def _fold_places(self, entry: Entry) -> dict[int, str]:
        """Count the trial at its places; the numbers of these."""
        places: dict[int, str] = {}
        for each in entry.found:
            name, at = self._place(each)
            if at.number not in places:
                at.trials += 1
            at.kinds[each.kind] = at.kinds.get(each.kind, 0) + 1
            at.newest_at_s = max(at.newest_at_s, entry.at_s)
            places[at.number] = name
        return places

    def _place(self, found: Found) -> tuple[str, AtPlace]:
        name = found.place
        if name not in self.places and len(self.places) >= MOST_PLACES:
            name = ELSEWHERE
        at = self.places.get(name)
        if at is None:
            at = self.places[name] = AtPlace(number=len(self.places))
        return name, at

    def _fold_request(self, entry: Entry, known: Known, places: dict[int, str]) -> Known:
        differs = entry.became in AGAINST
        if not known.times:
            self.distinct += 1
            self._arrive(entry.at_s)
        self.seen_once += (known.times == 0) - (known.times == 1)
        self.seen_twice += (known.times == 1) - (known.times == 2)  # noqa: PLR2004 - as it says
        self.mismatched += differs and not known.differs
        for number in places.keys() - known.places:
            self.places[places[number]].distinct += 1
        return Known(
            min(known.times + 1, _ENOUGH), known.differs or differs, known.places | places.keys()
        )

    def _arrive(self, at_s: float) -> None:
        self.arrivals[int(at_s // ARRIVAL_S)] += 1
        oldest = max(self.arrivals) - int(DAY_S // ARRIVAL_S)
        for old in [each for each in self.arrivals if each < oldest]:
            del self.arrivals[old]

    def distinct_per_s(self, now_s: float) -> float:
        """New distinct requests a second, of the last day or since the first of them."""
        if self.first_at_s is None:
            return 0.0
        since_s = max(self.first_at_s, now_s - DAY_S)
        came = sum(n for each, n in self.arrivals.items() if (each + 1) * ARRIVAL_S > since_s)
        return came / max(now_s - since_s, 1.0)

    def evidence(self, now_s: float) -> Evidence:
        """What the verdict is judged by."""
        return Evidence(
            classes=Counter({one: n for one, n in self.classes.items() if n}),
            distinct=self.distinct,
            mismatched=self.mismatched,
            seen_once=self.seen_once,
            seen_twice=self.seen_twice,
            newest_at_s=self.newest_at_s,
            distinct_per_s=self.distinct_per_s(now_s),
            latency=Pairs(
                Durations(self.latency.control.counts),
                Durations(self.latency.candidate.counts),
                Durations(self.latency.ratio.counts),
            ),
            pictures=Exchangeability(dict(self.pictures.further), dict(self.pictures.spread)),
            looked_at=self.looked_at,
            places=Counter({name: at.distinct for name, at in self.places.items() if at.distinct}),
        )


_UNKNOWN = Known(0, differs=False)


def _count(counter: Counter[str], names: Iterable[str], most: int) -> None:
    """Count names, customers' or operators', without more of them than there is room for."""
    for name in names:
        counter[name if name in counter or len(counter) < most else ELSEWHERE] += 1
