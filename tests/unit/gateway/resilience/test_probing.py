"""What results of probes make of an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resilience.probing import Probed, is_good


def _run(results: str, unhealthy_after: int = 3, healthy_after: int = 2) -> list[bool | None]:
    """What is thought after each result: ``x`` for a failure, ``.`` for a good one."""
    probed = Probed(unhealthy_after=unhealthy_after, healthy_after=healthy_after)
    thought = []
    for result in results:
        before = probed.is_well
        changed = probed.note(is_good=result == ".")
        assert changed is (probed.is_well is not before)
        thought.append(probed.is_well)
    return thought


@pytest.mark.parametrize(
    ("results", "thought"),
    [
        (".", [True]),
        ("xxx", [None, None, False]),
        ("xx.", [None, None, True]),
        (".xxx", [True, True, True, False]),
        (".xx.xx.", [True] * 7),
        ("xxx.x..", [None, None, False, False, False, False, True]),
        ("xxx..x", [None, None, False, False, True, True]),
    ],
)
def test_it_takes_a_row_to_change_what_is_thought(results: str, thought: list[bool | None]) -> None:
    assert _run(results) == thought


@given(st.text(".x", max_size=30), st.integers(1, 4), st.integers(1, 4))
def test_it_changes_only_at_the_end_of_a_row(
    results: str, unhealthy_after: int, healthy_after: int
) -> None:
    thought = _run(results, unhealthy_after, healthy_after)
    for index, now in enumerate(thought):
        before = thought[index - 1] if index else None
        if before is not now and before is not None:
            row = results[index + 1 - (healthy_after if now else unhealthy_after) : index + 1]
            assert set(row) == {"." if now else "x"}


@pytest.mark.parametrize(
    ("status", "good"), [(200, True), (204, True), (302, True), (404, False), (503, False)]
)
def test_which_answers_are_good(status: int, good: bool) -> None:
    assert is_good(status) is good
