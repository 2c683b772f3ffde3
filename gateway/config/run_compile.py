"""``parallel_runs``: spec -> plan. Nothing can fail here."""

from __future__ import annotations

from gateway.config.run_spec import (
    IgnoreSpec,
    NormaliseSpec,
    ParallelRunSpec,
    SetHeadersSpec,
    TolerateSpec,
)
from gateway.parallel_run.plan import (
    Budget,
    Ignore,
    Kept,
    Normalise,
    ParallelRun,
    Pictures,
    Place,
    ReadyWhen,
    Rules,
    StatusPair,
    Tolerate,
)


def compile_run(name: str, spec: ParallelRunSpec) -> ParallelRun:
    """Compile a run that passed every check."""
    budget, ready = spec.budget, spec.ready_when
    return ParallelRun(
        name=name,
        control=spec.control,
        candidate=spec.candidate,
        sample=spec.sample,
        writes=spec.writes,
        is_reversed=spec.reverse,
        budget=Budget(
            per_second=budget.per_second, per_day=budget.per_day, in_flight=budget.in_flight
        ),
        rules=_rules(spec),
        ready_when=ReadyWhen(
            mismatch_rate_below=ready.mismatch_rate_below,
            confidence=ready.confidence,
            max_uncompared=ready.max_uncompared,
            unproved_share=ready.unproved_share,
            max_latency_ratio=ready.max_latency_ratio,
        ),
        second_control=spec.second_control or "",
        noise_sample=spec.noise_sample or 0,
        headers=_headers(spec.request_headers),
        mark_secret=spec.mark_secret,
        build_header=(spec.build_header or "").lower(),
        build_health=_build_health(spec),
        watermark=spec.watermark or "",
        kept=Kept(
            plain=tuple(dict.fromkeys(name.lower() for name in spec.examples.plain)),
            pictures=spec.examples.pictures,
        ),
    )


def _build_health(spec: ParallelRunSpec) -> tuple[str, str] | None:
    health = spec.build_health
    return (health.path, health.json_) if health is not None else None


def _rules(spec: ParallelRunSpec) -> Rules:
    return Rules(
        headers=tuple(dict.fromkeys(name.lower() for name in spec.headers)),
        ignore=tuple(
            Ignore(place=place(rule), because=rule.because, until=rule.until)
            for rule in spec.ignore
        ),
        normalise=tuple(Normalise(place=place(rule), to=rule.to) for rule in spec.normalise),
        tolerate=tuple(
            Tolerate(
                place=place(rule), absolute=rule.absolute or 0.0, relative=rule.relative or 0.0
            )
            for rule in spec.tolerate
        ),
        unordered=tuple(Place(json=path) for path in spec.unordered),
        same_status=tuple(
            StatusPair(control=pair.control, candidate=pair.candidate) for pair in spec.same_status
        ),
        pictures=Pictures(compare=spec.images.compare, distance=spec.images.distance),
    )


def place(rule: IgnoreSpec | NormaliseSpec | TolerateSpec) -> Place:
    """Where a rule applies."""
    html = rule.html if isinstance(rule, IgnoreSpec) else ""
    return Place(json=rule.json_, html=html, header=rule.header.lower())


def _headers(spec: SetHeadersSpec) -> tuple[tuple[str, str, str], ...]:
    sides = (("control", spec.control), ("candidate", spec.candidate))
    return tuple(
        (side, name.lower(), value) for side, set_ in sides for name, value in set_.items()
    )
