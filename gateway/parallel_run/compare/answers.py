"""Compares two answers: status, declared headers, then the body by what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.compare.bodies import compare_bodies
from gateway.parallel_run.compare.calls import BothCalls, compare_calls
from gateway.parallel_run.compare.coding import CodingError
from gateway.parallel_run.compare.fields import compare_codings, compare_headers
from gateway.parallel_run.compare.findings import Difference, Findings
from gateway.parallel_run.compare.json_diff import TooDeepError
from gateway.parallel_run.compare.pictures import PictureError
from gateway.parallel_run.compare.rules import Ruling
from gateway.parallel_run.comparison import Comparison, Kind, Mismatch, became, together
from gateway.parallel_run.observation import Answer
from gateway.parallel_run.plan import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Two answers, and what is known of them beside."""

    control: Answer
    candidate: Answer
    control_status: int
    """What it counts as, soft errors looked at."""
    candidate_status: int
    aliases: Mapping[str, str] = field(default_factory=dict)
    """The candidate's id -> the control's, learned from what both have created."""
    accepts: bytes | None = None
    """The customer's Accept-Encoding, empty if there was none; None: nobody knows."""
    calls: BothCalls | None = None
    """What either has asked of collaborators; None: nobody knows."""


def compare(sides: Sides, rules: Rules) -> Comparison:
    """Compare two answers, and what was asked of collaborators, under the rules of a run.

    Never raises for what the answers hold: what cannot be compared is ``compare_failed``, and
    ``fault`` says why.
    """
    try:
        found, calls = _compare(sides, rules), sides.calls
        if calls is None:
            return found
        return together(found, compare_calls(calls.control, calls.candidate, rules, sides.aliases))
    except (CodingError, PictureError, TooDeepError, RecursionError) as error:
        return Comparison(became=TrialClass.COMPARE_FAILED, fault=str(error) or repr(error))


def _compare(sides: Sides, rules: Rules) -> Comparison:
    control, candidate = sides.control, sides.candidate
    declared = _declared_status(sides, rules)
    if declared:
        # What a declared pair of errors says in its body is part of the declaration.
        return Comparison(became=TrialClass.IGNORED, ignored=((_statuses(sides), declared),))
    ruling = Ruling(rules, sides.aliases)
    findings = Findings(ruling.covers)
    if control.status != candidate.status:
        findings.add(Difference("status", (), Kind.VALUE, control.status, candidate.status))
    compare_headers(control, candidate, rules.headers, findings)
    if sides.accepts is not None:
        compare_codings(control, candidate, sides.accepts, findings)
    compare_bodies(control, candidate, ruling, findings)
    found = became(findings.mismatches(), findings.ignored(), findings.omitted)
    return found if findings.looks is None else replace(found, looks=findings.looks)


def _declared_status(sides: Sides, rules: Rules) -> str:
    """The rule by which two different statuses are one answer; empty if there is none."""
    if sides.control.status == sides.candidate.status:
        return ""
    pair = sides.control_status, sides.candidate_status
    for each in rules.same_status:
        if pair == (each.control, each.candidate):
            return f"same_status {each.control} = {each.candidate}"
    return ""


def _statuses(sides: Sides) -> Mismatch:
    return Mismatch(
        place="status",
        kind=Kind.VALUE,
        control=str(sides.control.status),
        candidate=str(sides.candidate.status),
    )
