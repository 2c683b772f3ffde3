"""Ready, not ready, or how much more it takes; in numbers and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.parallel_run.evidence import Evidence, together
from gateway.parallel_run.noise import LEAST_TRIADS
from gateway.parallel_run.plan import ReadyWhen
from gateway.parallel_run.statistics.durations import Between
from gateway.parallel_run.statistics.rate import (
    forecast,
    is_above,
    is_below,
    lower_bound,
    needed,
    upper_bound,
)
from gateway.parallel_run.strata import Stratum, pooled

FRESH_S = 24 * 3600.0
"""Evidence whose newest trial is older says nothing of what is deployed now (as Vitess has it)."""
SMALL = "(rare requests)"
"""What strata below a hundredth of the traffic are judged as."""
_SLOW_SHARE = 0.95


class State(StrEnum):
    """What may be said."""

    READY = "ready"
    NOT_READY = "not ready"
    INSUFFICIENT = "insufficient"
    """Nothing speaks against it, and there is not enough that speaks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is said of one stratum."""

    name: str
    state: State
    reasons: tuple[str, ...]
    """In words, without the name; never empty."""
    distinct: int
    mismatched: int
    rate_at_least: float
    rate_at_most: float
    """The mismatch rate lies between, 0..1; each bound may be looked at whenever one likes."""
    more: int | None = None
    """Distinct requests that are still needed; None where more of them would not help."""
    more_s: float | None = None
    """How long that takes as requests have come lately; None where nobody can tell."""
    is_short: bool = False
    """Whether it passes though there were too few requests to prove anything, as it is rare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is said of the whole: the worst of what is said of its strata."""

    state: State
    reasons: tuple[str, ...]
    strata: tuple[Judged, ...]
    """Worst first, then the one with the most requests."""


def judge(evidence: Mapping[Stratum, Evidence], ready_when: ReadyWhen, now_s: float) -> Verdict:
    """Judge a run by the evidence of its present epoch.

    Each stratum has to pass alone, so that the whole is called ready wrongly no more often than one
    of them: with a chance of 1 - ``confidence``, ever.
    """
    traffic = {stratum: each.classes.total() for stratum, each in evidence.items()}
    small = pooled(traffic)
    parts = {str(stratum): evidence[stratum] for stratum in evidence if stratum not in small}
    if small:
        parts[SMALL] = together(evidence[stratum] for stratum in small)
    judged = [_judge_part(name, part, ready_when, now_s) for name, part in parts.items()]
    judged = _with_unproved(
        judged, {name: part.classes.total() for name, part in parts.items()}, ready_when
    )
    judged.sort(key=lambda each: (-_BADNESS[each.state], -each.distinct))
    if not judged:
        return Verdict(state=State.INSUFFICIENT, reasons=("there is no trial yet",), strata=())
    state = judged[0].state
    if state is State.READY:
        unproved = [each.name for each in judged if each.is_short]
        but = f", but for {', '.join(unproved)}: too few to prove" if unproved else ""
        reasons: tuple[str, ...] = (f"every kind of request is proved to be below the limit{but}",)
    else:
        worst = [each for each in judged if each.state is state]
        reasons = tuple(f"{each.name}: {reason}" for each in worst for reason in each.reasons)
    return Verdict(state=state, reasons=reasons, strata=tuple(judged))


def _with_unproved(
    judged: Iterable[Judged], traffic: Mapping[str, int], ready_when: ReadyWhen
) -> list[Judged]:
    """Let the rarest kinds pass of which there were too few, as far as that is allowed."""
    left = ready_when.unproved_share * sum(traffic.values())
    found = []
    for each in sorted(judged, key=lambda each: traffic[each.name]):
        if each.is_short and traffic[each.name] <= left:
            left -= traffic[each.name]
            reasons = tuple(f"{reason}; it is rare enough to be left so" for reason in each.reasons)
            found.append(replace(each, state=State.READY, reasons=reasons))
        else:
            found.append(replace(each, is_short=False))
    return found


_BADNESS = {State.READY: 0, State.INSUFFICIENT: 1, State.NOT_READY: 2}


@dataclass(frozen=True, slots=True)
class _Finding:
    """One thing that is said of a stratum."""

    state: State
    reason: str
    more: int | None = None
    more_s: float | None = None
    is_short: bool = False


def _judge_part(name: str, part: Evidence, ready_when: ReadyWhen, now_s: float) -> Judged:
    findings = [
        *_trust(part, ready_when, now_s),
        _judge_rate(part, ready_when),
        *_judge_latency(part, ready_when),
        *_judge_pictures(part, ready_when),
    ]
    state = max((each.state for each in findings), key=_BADNESS.__getitem__)
    says = [each for each in findings if each.state is state]
    n, k, confidence = part.distinct, part.mismatched, ready_when.confidence
    return Judged(
        name=name,
        state=state,
        reasons=tuple(each.reason for each in says),
        distinct=n,
        mismatched=k,
        rate_at_least=lower_bound(n, k, confidence) if n else 0.0,
        rate_at_most=upper_bound(n, k, confidence) if n else 1.0,
        more=next((each.more for each in says if each.more is not None), None),
        more_s=next((each.more_s for each in says if each.more_s is not None), None),
        is_short=not k and all(each.is_short for each in says),
    )


def _trust(part: Evidence, ready_when: ReadyWhen, now_s: float) -> list[_Finding]:
    """What is wrong with the evidence itself."""
    found = []
    share = part.uncompared_share
    if share > ready_when.max_uncompared:
        found.append(
            _Finding(
                State.INSUFFICIENT,
                f"{percent(share)} of what was to be compared was not, more than the"
                f" {percent(ready_when.max_uncompared)} that may be missing; most of it is"
                f" {part.commonest_uncompared}",
            )
        )
    if part.newest_at_s is not None and now_s - part.newest_at_s > FRESH_S:
        hours = (now_s - part.newest_at_s) / 3600
        found.append(
            _Finding(State.INSUFFICIENT, f"the newest trial is {hours:.0f} hours old: run it again")
        )
    return found


def _judge_rate(part: Evidence, ready_when: ReadyWhen) -> _Finding:
    n, k = part.distinct, part.mismatched
    limit, confidence = ready_when.mismatch_rate_below, ready_when.confidence
    seen = f"{k:,} of {n:,} distinct requests differ"
    if n and is_above(n, k, limit, confidence):
        least = percent(lower_bound(n, k, confidence))
        return _Finding(
            State.NOT_READY,
            f"{seen}: at least {least}, above the limit of {percent(limit)}{_commonest(part)}",
        )
    if n and is_below(n, k, limit, confidence):
        most = percent(upper_bound(n, k, confidence))
        return _Finding(State.READY, f"{seen}: at most {most}, below {percent(limit)}")
    return _short_of(part, ready_when, seen)


def _short_of(part: Evidence, ready_when: ReadyWhen, seen: str) -> _Finding:
    """How much is missing."""
    n, k = part.distinct, part.mismatched
    limit, confidence = ready_when.mismatch_rate_below, ready_when.confidence
    aim = forecast(n, k, limit, confidence)
    if aim is None:
        without_more = needed(k, limit, confidence, n)
        hope = f"; if none is added, {without_more - n:,} more would do" if without_more else ""
        return _Finding(
            State.INSUFFICIENT,
            f"{seen}: going on like this proves nothing{hope}{_commonest(part)}",
        )
    more = aim - n
    there_are = part.total_distinct
    if part.trials > n and aim > there_are * _GROWTH:
        return _Finding(
            State.INSUFFICIENT,
            f"{seen}; {aim:,} are needed, and there seem to be no more than {there_are:,.0f}:"
            f" {percent(limit)} cannot be proved with so few different requests",
            is_short=True,
        )
    more_s = more / part.distinct_per_s if part.distinct_per_s > 0 else None
    when = f", about {span(more_s)} at today's rate" if more_s is not None else ""
    return _Finding(
        State.INSUFFICIENT, f"{seen}: {more:,} more are needed{when}", more, more_s, is_short=True
    )


def _commonest(part: Evidence) -> str:
    """What to mend first."""
    if not part.places:
        return ""
    ((place, count),) = part.places.most_common(1)
    return f"; {percent(count / max(part.mismatched, 1))} of these at {place}"


_GROWTH = 2.0
"""How far beyond the estimate of what there is, itself a lower bound, something counts as out of
reach."""


def _judge_latency(part: Evidence, ready_when: ReadyWhen) -> list[_Finding]:
    limit = ready_when.max_latency_ratio
    if limit is None or not part.trials:
        return []
    confidence = ready_when.confidence
    # Request by request, what makes one of them slow on either side cancels out.
    paired = part.latency.ratio.bounds(0.5, confidence)
    slowest = part.latency.slowdown(_SLOW_SHARE, confidence)
    return [
        _judge_slowdown("half of the candidate's answers take", paired, limit),
        _judge_slowdown("p95 of the candidate is", slowest, limit),
    ]


def _judge_slowdown(what: str, found: Between, limit: float) -> _Finding:
    if found.low > limit:
        return _Finding(
            State.NOT_READY, f"{what} at least {found.low:.2f} times the control's, above {limit:g}"
        )
    if found.high <= limit:
        return _Finding(State.READY, f"{what} at most {found.high:.2f} times the control's")
    return _Finding(
        State.INSUFFICIENT,
        f"{what} {found.low:.2f} to {found.high:.2f} times the control's: too wide for {limit:g}",
    )


def _judge_pictures(part: Evidence, ready_when: ReadyWhen) -> list[_Finding]:
    """What many pictures say together, where one by one they cannot be compared."""
    if not part.looked_at:
        return []
    triads = part.pictures.triads
    found = part.pictures.differences(ready_when.confidence)
    if found:
        what = ", ".join(found)
        return [
            _Finding(
                State.NOT_READY,
                f"its pictures are of another kind than the control's, by {triads:,} that were"
                f" asked for twice: {what}",
            )
        ]
    if triads < LEAST_TRIADS:
        return [
            _Finding(
                State.INSUFFICIENT,
                f"{triads:,} pictures were asked for twice on both sides, and {LEAST_TRIADS} are"
                " needed to tell by how they look",
            )
        ]
    return [
        _Finding(
            State.READY, f"its pictures look as the control's do, by {triads:,} asked for twice"
        )
    ]


def percent(share: float) -> str:
    """A share as people read it: ``0.1 %``, ``0.0432 %``, ``12 %``."""
    return f"{share * 100:.3g} %"


def span(duration_s: float) -> str:
    """A duration in the unit that fits: ``40 minutes``, ``3 days``."""
    for unit_s, unit in ((86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute")):
        if duration_s >= 1.5 * unit_s or (unit == "minute" and duration_s >= unit_s):
            count = round(duration_s / unit_s)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"
