"""When an address is left out, for how long, and what makes it well again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resilience.ejection import (
    EJECT_AFTER,
    FIRST_EJECTION_S,
    LONGEST_EJECTION_S,
    Standing,
)


def _ejected(now_s: float = 0.0, draw: float = 0.0) -> Standing:
    """The standing of an address that has just been left out for the first time."""
    standing = Standing()
    outs = [standing.failed(now_s, draw) for _ in range(EJECT_AFTER)]
    assert outs == [False] * (EJECT_AFTER - 1) + [True]
    return standing


def test_an_address_is_left_out_after_a_row_of_failures_and_not_before() -> None:
    standing = Standing()
    for _ in range(EJECT_AFTER - 1):
        assert not standing.failed(0.0, 0.0)
    assert not standing.is_ejected
    assert standing.failed(0.0, 0.0)
    assert standing.is_ejected


def test_an_answer_begins_the_row_anew() -> None:
    standing = Standing()
    for _ in range(5):
        for _ in range(EJECT_AFTER - 1):
            assert not standing.failed(0.0, 0.0)
        standing.answered()
    assert not standing.is_ejected


def test_a_connection_alone_proves_little() -> None:
    """A process that takes connections and answers none is no better than none."""
    standing = Standing()
    for _ in range(EJECT_AFTER - 1):
        standing.failed(0.0, 0.0)
        assert not standing.connected()
    assert standing.failed(0.0, 0.0)


def test_each_time_in_a_row_is_twice_as_long_as_the_one_before() -> None:
    standing = _ejected()
    now_s, lengths = 0.0, []
    for _ in range(8):
        started_s = now_s
        while not standing.is_due(now_s):
            now_s += 0.25
        lengths.append(now_s - started_s)
        standing.failed(now_s, 0.0)
    assert lengths == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


@pytest.mark.parametrize("has_answered", [False, True])
def test_an_address_that_is_back_is_on_probation_until_it_has_answered(
    has_answered: bool,
) -> None:
    standing = _ejected()
    assert standing.connected()
    assert not standing.is_ejected
    if has_answered:
        standing.answered()
    assert standing.failed(10.0, 0.0) is not has_answered
    assert standing.is_due(10.0 + FIRST_EJECTION_S) is False


def test_what_had_begun_before_does_not_make_it_longer() -> None:
    """A hundred connections that were under way fail one after the other."""
    standing = _ejected(now_s=0.0)
    for n in range(100):
        assert not standing.failed(n / 200, 0.0)
    assert standing.is_due(FIRST_EJECTION_S)


def test_the_trial_of_an_address_that_is_left_out_is_no_news_if_it_fails() -> None:
    standing = _ejected()
    assert not standing.failed(FIRST_EJECTION_S, 0.0)
    assert standing.is_ejected
    assert not standing.is_due(2 * FIRST_EJECTION_S)


@given(draw=st.floats(0, 1, exclude_max=True), rounds=st.integers(0, 40))
def test_no_ejection_is_longer_than_the_longest_or_shorter_than_three_quarters_of_the_first(
    draw: float, rounds: int
) -> None:
    standing = _ejected(draw=draw)
    now_s = 0.0
    for _ in range(rounds):
        now_s += LONGEST_EJECTION_S
        standing.failed(now_s, draw)
    assert not standing.is_due(now_s + 0.75 * FIRST_EJECTION_S - 0.001)
    assert standing.is_due(now_s + LONGEST_EJECTION_S)


LIVES = st.lists(
    st.tuples(st.sampled_from(["failed", "answered", "connected"]), st.floats(0, 40)), max_size=40
)


@given(life=LIVES, draw=st.floats(0, 1, exclude_max=True))
def test_in_any_life_news_come_in_turn_and_the_way_back_stays_open(
    life: list[tuple[str, float]], draw: float
) -> None:
    """It is left out only after a row of failures, and always tried again in time."""
    standing, now_s, row, is_out = Standing(), 0.0, 0, False
    for event, later_s in life:
        now_s += later_s
        if event == "failed":
            row += 1
            if standing.failed(now_s, draw):
                assert not is_out
                assert row >= EJECT_AFTER
                is_out = True
        elif event == "answered":
            row = 0
            standing.answered()
        elif standing.connected():
            assert is_out
            is_out, row = False, EJECT_AFTER - 1
        assert standing.is_ejected is is_out
        assert standing.is_due(now_s + LONGEST_EJECTION_S) is is_out
