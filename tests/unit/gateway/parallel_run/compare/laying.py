"""Lays two bodies side by side, as tests need it."""

from __future__ import annotations

import json

from gateway.parallel_run.compare.answers import Sides, compare
from gateway.parallel_run.comparison import Comparison
from gateway.parallel_run.observation import Answer
from gateway.parallel_run.plan import Rules
from gateway.wire.messages import Header

JSON = b"application/json"


def answer(body: bytes, content_type: bytes = JSON, *more: Header, status: int = 200) -> Answer:
    """An answer with a body of that type."""
    return Answer(status=status, headers=((b"Content-Type", content_type), *more), body=body)


def lay(control: Answer, candidate: Answer, rules: Rules | None = None) -> Comparison:
    """Compare two answers that count as what they say."""
    sides = Sides(
        control=control,
        candidate=candidate,
        control_status=control.status,
        candidate_status=candidate.status,
    )
    return compare(sides, rules or Rules())


def lay_json(control: object, candidate: object, rules: Rules | None = None) -> Comparison:
    """Compare two values as JSON."""
    bodies = [json.dumps(each).encode() for each in (control, candidate)]
    return lay(answer(bodies[0]), answer(bodies[1]), rules)


def places(comparison: Comparison) -> list[str]:
    """``place kind`` of each mismatch, as `json:$.a type`."""
    return [f"{each.place} {each.kind}" for each in comparison.mismatches]
