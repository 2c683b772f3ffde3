"""The balance sheet balances."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run.classes import AGAINST, COUNTED, UNCOMPARED, Sheet, TrialClass


def test_every_class_is_counted_left_out_or_was_not_chosen() -> None:
    assert COUNTED | UNCOMPARED | {TrialClass.NOT_SAMPLED} == set(TrialClass)
    assert not COUNTED & UNCOMPARED
    assert AGAINST < COUNTED


@given(st.lists(st.sampled_from(TrialClass)), st.integers(0, 50))
def test_classes_and_pending_are_what_was_eligible(ended: list[TrialClass], pending: int) -> None:
    sheet = Sheet()
    for _ in range(len(ended) + pending):
        sheet.begin()
    for one in ended:
        sheet.end(one)
    assert sheet.pending == pending
    assert sum(count for _, count in sheet) + sheet.pending == sheet.eligible


def test_nothing_ends_twice() -> None:
    sheet = Sheet()
    sheet.begin()
    sheet.end(TrialClass.MATCHED)
    with pytest.raises(ValueError, match="shed: no request is pending"):
        sheet.end(TrialClass.SHED)
    assert sheet[TrialClass.MATCHED] == 1


def test_what_another_counted_is_added() -> None:
    sheet = Sheet()
    sheet.add(3, {TrialClass.LOST: 2})
    assert (sheet.eligible, sheet[TrialClass.LOST], sheet.pending) == (3, 2, 1)
