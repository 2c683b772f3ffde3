"""What must hold between a parallel run, its backends and the routes that use it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.config.draft import Draft
from gateway.config.owners import named_backends
from gateway.config.report import Report
from gateway.config.run_compile import place
from gateway.config.run_spec import ParallelRunSpec
from gateway.config.spec import RouteSpec
from gateway.config.wording import path_text, quoted
from gateway.errors import Problem
from gateway.parallel_run.plan import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A rule that somebody has to look at again, and where it stands."""

    until: str
    """ISO date: the last day on which it is good."""
    line: int
    column: int
    path: str
    rule: str
    """As reports name it."""


def expired(deadlines: Iterable[Deadline], today: datetime.date) -> list[Problem]:
    """What is to be looked at again: rules whose last day is over.

    They go on being applied: a file that was good yesterday is no danger to anybody today, and a
    running gateway must be able to take in another change of it. Only ``figueira check`` fails.
    """
    return [
        Problem(
            line=each.line,
            column=each.column,
            path=each.path,
            message=f"{each.rule} has expired: it was to be looked at by {each.until}",
            hint="remove it if both sides agree by now, or write a later date",
        )
        for each in deadlines
        if datetime.date.fromisoformat(each.until) < today
    ]


def deadlines(draft: Draft, report: Report) -> Iterator[Deadline]:
    """Every date of a rule; of a draft without problems."""
    for name, run in draft.spec.parallel_runs.items():
        for index, rule in enumerate(run.ignore):
            path = report.marks.locate(("parallel_runs", name, "ignore", index, "until"))
            line, column = report.marks.values[path]
            yield Deadline(
                until=rule.until,
                line=line,
                column=column,
                path=path_text(path),
                rule=f"ignore {place(rule)}",
            )


def check_runs(draft: Draft, report: Report) -> None:
    """Report whatever is wrong in the parallel runs that are known, and in who uses them."""
    for name, run in draft.spec.parallel_runs.items():
        _sides(draft, report, name, run)
        _noise(report, name, run)
        _rules(report, name, run)
    if not draft.knows("routes"):
        return
    used: set[str] = set()
    for index, route in enumerate(draft.spec.routes):
        if route.parallel_run is not None:
            used.add(route.parallel_run)
            _route(draft, report, index, route)
    for name in draft.spec.parallel_runs:
        if name not in used:
            hint = f"write parallel_run: {name} on a route"
            report.warn_at_value(
                ("parallel_runs", name), "no route uses it: nothing is tried", hint
            )


def _sides(draft: Draft, report: Report, name: str, run: ParallelRunSpec) -> None:
    loc = ("parallel_runs", name)
    sides = {"control": run.control, "candidate": run.candidate}
    if run.second_control is not None:
        sides["second_control"] = run.second_control
    if draft.knows("backends"):
        for key, backend in sides.items():
            if backend not in draft.backends:
                hint = report.guess.hint(backend, draft.backends, kind="backends")
                report.at_value((*loc, key), f"unknown backend {quoted(backend)}", hint)
    if run.control == run.candidate:
        message = f"{quoted(run.candidate)} is the control already: it would be held against itself"
        report.at_value((*loc, "candidate"), message, "name the backend that is to take over")
    elif run.second_control == run.candidate:
        message = f"{quoted(run.candidate)} is the candidate: noise is what the old code does"
        report.at_value((*loc, "second_control"), message, "name one that runs the control's code")
    elif run.second_control == run.control:
        message = f"{quoted(run.control)} is the control itself"
        report.at_value((*loc, "second_control"), message, "leave it out: it is asked twice then")


def _noise(report: Report, name: str, run: ParallelRunSpec) -> None:
    if run.second_control is not None and run.noise_sample is None:
        loc = ("parallel_runs", name, "second_control")
        report.warn_at_value(loc, "it is never asked", "add noise_sample: 5%")


def _rules(report: Report, name: str, run: ParallelRunSpec) -> None:
    loc = ("parallel_runs", name)
    compared = {header.lower() for header in run.headers}
    _repeated(report, (*loc, "ignore"), list(map(place, run.ignore)))
    parts = {
        "ignore": map(place, run.ignore),
        "normalise": map(place, run.normalise),
        "tolerate": map(place, run.tolerate),
    }
    for key, places in parts.items():
        for index, one in enumerate(places):
            if one.header and one.header not in compared:
                message = f"{quoted(one.header)} is not compared: the rule has no effect"
                report.warn_at_value(
                    (*loc, key, index, "header"), message, "headers says which are"
                )
    if run.images.distance and run.images.compare != "perceptual":
        message = "a distance has a meaning only where pictures are compared as they look"
        report.at_value((*loc, "images", "distance"), message, "write compare: perceptual")
    if run.images.compare == "exchangeable" and run.noise_sample is None:
        message = "nothing can be said of pictures unless both sides are asked for some twice"
        report.at_value((*loc, "images", "compare"), message, "add noise_sample: 5%")
    if run.build_health is not None and run.build_header is not None:
        message = "build_header names the build already"
        report.at_key((*loc, "build_health"), message, "remove one of the two")
    if run.watermark is not None and run.reverse:
        message = (
            "watermark has no meaning in a reversed run: the candidate's answer is the customer's"
        )
        report.at_key((*loc, "watermark"), message, "remove it")


def _repeated(report: Report, loc: tuple[str, ...], places: Sequence[Place]) -> None:
    seen: set[Place] = set()
    for index, one in enumerate(places):
        if one in seen:
            report.at_value((*loc, index), f"{one} is in the list already", "remove it")
        seen.add(one)


def _route(draft: Draft, report: Report, index: int, route: RouteSpec) -> None:
    """The run is there, and the route goes to the side whose answers it compares."""
    loc = ("routes", index, "parallel_run")
    if not draft.knows(*loc) or not draft.knows("parallel_runs"):
        return
    name = route.parallel_run or ""
    if name not in draft.runs:
        hint = report.guess.hint(name, draft.runs, kind="parallel runs")
        report.at_value(loc, f"unknown parallel run {quoted(name)}", hint or _HOW)
        return
    run = draft.spec.parallel_runs.get(name)
    parts = ("backend", "split", "owner")
    if run is None or not all(draft.knows("routes", index, part) for part in parts):
        return
    served = run.candidate if run.reverse else run.control
    if served not in _backends(route):
        side = "candidate" if run.reverse else "control"
        message = f"{quoted(name)} tries what its {side} {quoted(served)} has answered"
        report.at_value(loc, f"{message}, and this route never goes there", _turned(run, route))


_HOW = "declare it under parallel_runs"


def _turned(run: ParallelRunSpec, route: RouteSpec) -> str:
    other = run.control if run.reverse else run.candidate
    if other not in _backends(route):
        return "move the line to a route that does"
    return "remove reverse" if run.reverse else "after a cut-over write reverse: true there"


def _backends(route: RouteSpec) -> set[str]:
    found = set(route.split)
    if route.backend is not None:
        found.add(route.backend)
    if route.owner is not None:
        found |= {backend for _, backend, _ in named_backends(route.owner)}
    return found
