"""The class of a trial, from what both sides did: pure, and said in one place."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.comparison import Comparison

FIRST_FAILURE = 500
_MISS = 404
_SUCCESS = range(200, 300)


def before_comparing(control: int | None, candidate: int | None) -> TrialClass | None:
    """What two answers come to before they are compared; None if they are to be.

    Args:
        control: What its answer counts as; None if there was none that is complete.
        candidate: The same of the candidate.
    """
    control_failed = control is None or control >= FIRST_FAILURE
    candidate_failed = candidate is None or candidate >= FIRST_FAILURE
    if control_failed and candidate_failed:
        return TrialClass.BOTH_FAILED
    if control_failed:
        return TrialClass.CONTROL_FAILED
    return TrialClass.CANDIDATE_FAILED if candidate_failed else None


def is_missed(control: int | None, candidate: int | None) -> bool:
    """Whether the candidate lacks what the control has, soft errors counted in."""
    return control in _SUCCESS and candidate == _MISS


def places(comparison: Comparison | None) -> frozenset[str]:
    """Where two answers differ in what no rule covers; empty if they were not compared."""
    found = comparison.mismatches if comparison is not None else ()
    return frozenset(each.place for each in found)


def after_asking_again(
    found: Comparison, again: Comparison | None, noisy: Iterable[str]
) -> TrialClass:
    """What a mismatch is, now that a control was asked once more.

    A place at which the control differs from itself tells nothing of the candidate. What is known
    as noise is called so; what changed meanwhile is raced; what differs though the control stands
    still is a mismatch.

    Args:
        found: Between the control and the candidate: a mismatch.
        again: Between the control and its later answer; None if there was none to compare.
        noisy: Places that are known to be restless, the candidate no worse than the control.
    """
    known = frozenset(noisy)
    unexplained = places(found) - known
    if not unexplained and not found.omitted:
        return TrialClass.NOISE
    changed = places(again)
    if not found.omitted and unexplained <= changed:
        return TrialClass.RACED
    return TrialClass.MISMATCHED
