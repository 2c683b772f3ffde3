"""The class of a trial, by what both sides did."""

from __future__ import annotations

import pytest

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.comparison import Comparison, Kind, Mismatch, became
from gateway.parallel_run.settle import after_asking_again, before_comparing, is_missed


def differing(*places: str) -> Comparison:
    """A comparison that found differences at these places; none is a match."""
    return became(
        tuple(Mismatch(place=each, kind=Kind.VALUE, control="1", candidate="2") for each in places)
    )


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        (200, 200, None),
        (404, 200, None),
        (200, 404, None),
        (200, 500, TrialClass.CANDIDATE_FAILED),
        (200, None, TrialClass.CANDIDATE_FAILED),
        (503, 200, TrialClass.CONTROL_FAILED),
        (None, 404, TrialClass.CONTROL_FAILED),
        (None, None, TrialClass.BOTH_FAILED),
        (500, 500, TrialClass.BOTH_FAILED),
    ],
)
def test_whoever_fails_is_told_before_anything_is_compared(
    control: int | None, candidate: int | None, expected: TrialClass | None
) -> None:
    assert before_comparing(control, candidate) is expected


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [(200, 404, True), (204, 404, True), (404, 404, False), (200, 410, False), (None, 404, False)],
)
def test_what_the_candidate_lacks_is_missed(
    control: int | None, candidate: int | None, expected: bool
) -> None:
    assert is_missed(control, candidate) is expected


@pytest.mark.parametrize(
    ("found", "again", "noisy", "expected"),
    [
        (["json:$.a"], [], [], TrialClass.MISMATCHED),
        (["json:$.a"], ["json:$.a"], [], TrialClass.RACED),
        (["json:$.a", "json:$.b"], ["json:$.a"], [], TrialClass.MISMATCHED),
        (["json:$.a"], ["json:$.b"], [], TrialClass.MISMATCHED),
        (["json:$.a"], ["json:$.a"], ["json:$.a"], TrialClass.NOISE),
        (["json:$.a", "json:$.b"], ["json:$.b"], ["json:$.a"], TrialClass.RACED),
        (["json:$.a", "json:$.b"], [], ["json:$.a"], TrialClass.MISMATCHED),
    ],
)
def test_a_place_at_which_the_control_stands_still_is_a_mismatch(
    found: list[str], again: list[str], noisy: list[str], expected: TrialClass
) -> None:
    assert after_asking_again(differing(*found), differing(*again), noisy) is expected


def test_a_control_that_cannot_be_asked_again_excuses_nothing() -> None:
    assert after_asking_again(differing("status"), None, []) is TrialClass.MISMATCHED
