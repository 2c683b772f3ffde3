"""The metrics of parallel runs: what became of requests, and what their trials take."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.telemetry.counters import ELIGIBLE, PENDING, Counters
from gateway.telemetry.metric import Facts, Labels, NumberMetric


def _trials(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for run, counts in counters.trials.items():
        for name, count in counts.items():
            if name not in {ELIGIBLE, PENDING}:
                yield (run, name), count


def _trials_eligible(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((run,), counts.get(ELIGIBLE, 0)) for run, counts in counters.trials.items())


def _trials_pending(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((run,), counts.get(PENDING, 0)) for run, counts in counters.trials.items())


def _spool_refused(_counters: Counters, facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((why,), count) for why, count in facts.spool_refused.items())


TRIAL_METRICS = (
    NumberMetric(
        name="figueira_trials_eligible_total",
        kind="counter",
        help="Requests of a parallel run that its control has answered.",
        labels=("run",),
        read=_trials_eligible,
    ),
    NumberMetric(
        name="figueira_trials_total",
        kind="counter",
        help="What became of them: classes and pending sum to the eligible ones.",
        labels=("run", "class"),
        read=_trials,
    ),
    NumberMetric(
        name="figueira_trials_pending",
        kind="gauge",
        help="Those whose trial is still under way.",
        labels=("run",),
        read=_trials_pending,
    ),
    NumberMetric(
        name="figueira_trials_spooled_bytes",
        kind="gauge",
        help="Bytes on the disk of large bodies of trials.",
        read=lambda _, facts: [((), facts.spooled_bytes)],
    ),
    NumberMetric(
        name="figueira_trials_spool_limit_bytes",
        kind="gauge",
        help="How many of them there may be; trials beyond are shed.",
        read=lambda _, facts: [((), facts.spool_limit_bytes)],
    ),
    NumberMetric(
        name="figueira_trials_memory_bytes",
        kind="gauge",
        help="Bytes of control's memory that trials under way have for their bodies.",
        read=lambda _, facts: [((), facts.trial_bytes)],
    ),
    NumberMetric(
        name="figueira_trials_spool_refused_total",
        kind="counter",
        help="Large bodies of trials that were not kept, and why; their trials are shed.",
        labels=("why",),
        read=_spool_refused,
    ),
)
