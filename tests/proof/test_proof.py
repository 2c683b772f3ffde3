"""Ours finds every seeded fault, and blames nobody who has none."""

from __future__ import annotations

import pytest

from tests.proof.faults import FAULTS, Fault
from tests.proof.proving import LIMIT, power, triads
from tests.proof.shop import KINDS
from tests.proof.tools import Counting, Figueira

REQUESTS = 400


@pytest.mark.parametrize("kind", KINDS)
def test_a_candidate_that_is_the_old_code_itself_is_not_blamed(kind: str) -> None:
    assert Figueira().look(triads(kind, None, REQUESTS)) == frozenset()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_is_found(fault: Fault) -> None:
    assert Figueira().look(triads(fault.kind, fault, 600))


@pytest.mark.parametrize(
    "name", ["a counter that never counts", "moments in another form", "the prompt ignored"]
)
def test_counting_is_blind_to_what_is_restless_most_of_the_time(name: str) -> None:
    """The published rule, given every answer and a second control for each."""
    (fault,) = (fault for fault in FAULTS if fault.name == name)
    assert Counting().look(triads(fault.kind, fault, 600)) == frozenset()


@pytest.mark.parametrize("rate", [0.0, LIMIT / 2, LIMIT, LIMIT * 5])
def test_a_verdict_that_is_looked_at_after_every_request_is_hardly_ever_wrong(rate: float) -> None:
    assert power(rate).wrong <= 0.05
