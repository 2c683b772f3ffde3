"""Makes the report of a run out of what is known of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.epoch import parts
from gateway.parallel_run.evidence import Evidence, as_counts, together
from gateway.parallel_run.examples import Example
from gateway.parallel_run.plan import ParallelRun
from gateway.parallel_run.proposal import proposed_rule
from gateway.parallel_run.report import (
    Balance,
    EpochReport,
    Latency,
    Limits,
    NoiseReport,
    PlaceReport,
    Quantiles,
    ResetReport,
    RuleReport,
    RunReport,
    Slower,
    StratumReport,
)
from gateway.parallel_run.statistics.durations import Durations
from gateway.parallel_run.strata import Stratum, pooled
from gateway.parallel_run.tally import Tally
from gateway.parallel_run.verdict import SMALL, Judged, judge

_BUCKETS = 1_000
"""Of 100,000, in a percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochKnown:
    """An epoch, as it is kept."""

    number: int
    key: str
    began_at_s: float
    newest_at_s: float
    resets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKnown:
    """What a report is made of."""

    plan: ParallelRun
    epochs: Sequence[EpochKnown]
    """The one that is told of first."""
    tallies: Mapping[Stratum, Tally]
    pending: int
    not_sampled: int
    routes: tuple[str, ...] = ()
    resets: tuple[ResetReport, ...] = ()
    examples: Mapping[Stratum, Mapping[str, Sequence[Example]]] = field(default_factory=dict)


def report_of(known: RunKnown, now_s: float, top: int = 10) -> RunReport:
    """Judge a run, and tell what it is judged by.

    Args:
        known: What is kept of it.
        now_s: Seconds since 1970.
        top: Differences that are told of, those with the most requests.
    """
    plan, ready_when = known.plan, known.plan.ready_when
    evidence = {stratum: tally.evidence(now_s) for stratum, tally in known.tallies.items()}
    verdict = judge(evidence, ready_when, now_s)
    differences = sorted(
        _differences(known, ready_when.confidence),
        key=lambda each: (-each.distinct, each.stratum, each.place),
    )
    return RunReport(
        run=plan.name,
        control=plan.control,
        candidate=plan.candidate,
        is_reversed=plan.is_reversed,
        sample=plan.sample / _BUCKETS,
        routes=known.routes,
        at=moment(now_s),
        state=verdict.state.value,
        reasons=verdict.reasons,
        ready_when=Limits(
            mismatch_rate_below=ready_when.mismatch_rate_below,
            confidence=ready_when.confidence,
            max_uncompared=ready_when.max_uncompared,
            max_latency_ratio=ready_when.max_latency_ratio,
        ),
        epoch=_epoch(known.epochs[0]),
        before=tuple(map(_epoch, known.epochs[1:])),
        resets=known.resets,
        strata=tuple(_strata(verdict.strata, evidence, known, ready_when.confidence)),
        balance=_balance(known),
        second_controls=sum(tally.second_controls for tally in known.tallies.values()),
        differences=tuple(differences[:top]),
        differences_in_all=len(differences),
        noise=tuple(_noise(known, now_s)),
        rules=tuple(_rules(known, datetime.fromtimestamp(now_s, UTC).date())),
        faults=dict(_added(tally.faults for tally in known.tallies.values()).most_common()),
    )


def moment(at_s: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _epoch(known: EpochKnown) -> EpochReport:
    build, rules = parts(known.key)
    return EpochReport(
        number=known.number,
        build=build,
        rules=rules,
        began_at=moment(known.began_at_s),
        newest_at=moment(known.newest_at_s),
        resets=known.resets,
    )


def _strata(
    judged: Sequence[Judged],
    evidence: Mapping[Stratum, Evidence],
    known: RunKnown,
    confidence: float,
) -> Iterator[StratumReport]:
    small = pooled({stratum: each.classes.total() for stratum, each in evidence.items()})
    named = {str(stratum): (stratum,) for stratum in evidence if stratum not in small}
    for each in judged:
        members = named.get(each.name) or tuple(sorted(small))
        part = together(evidence[stratum] for stratum in members)
        yield StratumReport(
            name=each.name,
            state=each.state.value,
            reasons=each.reasons,
            distinct=each.distinct,
            mismatched=each.mismatched,
            rate_at_least=each.rate_at_least,
            rate_at_most=each.rate_at_most,
            more=each.more,
            more_s=each.more_s,
            trials=part.trials,
            uncompared_share=part.uncompared_share,
            passed_over=sum(known.tallies[stratum].passed_over for stratum in members),
            newest_at=None if part.newest_at_s is None else moment(part.newest_at_s),
            latency=_latency(part, confidence),
            consists_of=tuple(map(str, members)) if each.name == SMALL else (),
        )


def _latency(part: Evidence, confidence: float) -> Latency:
    ratio = part.latency.ratio
    between = ratio.bounds(0.5, confidence)
    return Latency(
        control=_quantiles(part.latency.control),
        candidate=_quantiles(part.latency.candidate),
        ratio=Slower(
            median=ratio.quantile(0.5),
            at_least=between.low,
            at_most=None if math.isinf(between.high) else between.high,
        ),
    )


def _quantiles(durations: Durations) -> Quantiles:
    return Quantiles(p50_s=durations.quantile(0.5), p95_s=durations.quantile(0.95))


def _balance(known: RunKnown) -> Balance:
    classes = Counter[TrialClass]()
    for tally in known.tallies.values():
        classes.update(tally.classes)
    classes[TrialClass.NOT_SAMPLED] += known.not_sampled
    counts = as_counts(classes)
    total = sum(counts.values())
    return Balance(eligible=total + known.pending, pending=known.pending, classes=counts)


def _differences(known: RunKnown, confidence: float) -> Iterator[PlaceReport]:
    for stratum, tally in known.tallies.items():
        worse, noisy = tally.noise.worse(confidence), tally.noise.noisy(confidence)
        examples = known.examples.get(stratum, {})
        for place, at in tally.places.items():
            yield PlaceReport(
                place=place,
                stratum=str(stratum),
                distinct=at.distinct,
                share=at.distinct / max(tally.mismatched, 1),
                trials=at.trials,
                kinds=dict(at.kinds),
                newest_at=moment(at.newest_at_s),
                is_noise=place in noisy,
                is_worse=place in worse,
                examples=tuple(examples.get(place, ())),
            )


def _noise(known: RunKnown, now_s: float) -> Iterator[NoiseReport]:
    confidence, now = known.plan.ready_when.confidence, datetime.fromtimestamp(now_s, UTC)
    found = {
        stratum: tally.noise.noisy(confidence) for stratum, tally in sorted(known.tallies.items())
    }
    often = Counter(place for noisy in found.values() for place in noisy)
    for stratum, noisy in found.items():
        shown = [
            difference
            for examples in known.examples.get(stratum, {}).values()
            for example in examples
            for difference in example.differences
        ]
        for place, each in sorted(noisy.items()):
            yield NoiseReport(
                place=place,
                stratum=str(stratum),
                triads=each.triads,
                candidate=each.candidate,
                control=each.control,
                both=each.both,
                rule=proposed_rule(each, shown, now, often[place] - 1),
            )


def _rules(known: RunKnown, today: date) -> Iterator[RuleReport]:
    used = _added(tally.rules for tally in known.tallies.values())
    rules = known.plan.rules
    for ignore in rules.ignore:
        name = f"ignore {ignore.place}"
        yield RuleReport(
            rule=name,
            trials=used[name],
            because=ignore.because,
            until=ignore.until,
            is_expired=_is_over(ignore.until, today),
        )
    others = [
        *(f"normalise {each.place} to {each.to}" for each in rules.normalise),
        *(f"tolerate {each.place}" for each in rules.tolerate),
        *(f"same_status {each.control} = {each.candidate}" for each in rules.same_status),
    ]
    for name in others:
        yield RuleReport(rule=name, trials=used[name])


def _is_over(until: str, today: date) -> bool:
    try:
        return date.fromisoformat(until) < today
    except ValueError:
        return False


def _added(counters: Iterable[Counter[str]]) -> Counter[str]:
    total = Counter[str]()
    for each in counters:
        total.update(each)
    return total
