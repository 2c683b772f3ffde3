"""Who lets others go first; and that all workers see the same numbers."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.control.balance import Balance, is_ahead


@pytest.mark.parametrize(
    ("mine", "least", "in_a_row", "expected"),
    [
        pytest.param(5, -1, 9, False, id="nobody else is there"),
        pytest.param(0, 0, 0, False, id="all are idle, and another took the last"),
        pytest.param(0, 0, 1, False, id="all are idle, and the last was ours"),
        pytest.param(0, 0, 2, True, id="all are idle, and the last two were ours"),
        pytest.param(1, 0, 0, True, id="another is idle"),
        pytest.param(3, 3, 3, False, id="as many as another, whoever took the last"),
        pytest.param(4, 3, 0, True, id="one more, of few"),
        pytest.param(17, 16, 1, False, id="one more, of many"),
        pytest.param(18, 16, 0, True, id="two more, of many"),
        pytest.param(127, 120, 0, False, id="a sixteenth more"),
        pytest.param(128, 120, 0, True, id="more than a sixteenth"),
        pytest.param(2, 9, 2, False, id="fewer"),
    ],
)
def test_a_worker_that_has_more_than_another_lets_it_go_first(
    mine: int, least: int, in_a_row: int, expected: bool
) -> None:
    assert is_ahead(mine, least, in_a_row=in_a_row) is expected


@settings(max_examples=30)
@given(st.integers(2, 5), st.integers(1, 200), st.randoms(use_true_random=False))
def test_whoever_is_woken_first_all_end_with_about_the_same(
    workers: int, connections: int, chance: random.Random
) -> None:
    """Each connection is offered to the workers in any order; the first that is not ahead takes."""
    balance = Balance(workers)
    places = [balance.place(index) for index in range(workers)]
    counts = [0] * workers
    for place in places:
        place.show(0)
    for _ in range(connections):
        taker = next(
            index
            for index in chance.sample(range(workers), workers)
            if not places[index].is_ahead(counts[index], places[index].rival().connections)
        )
        counts[taker] += 1
        places[taker].show_taken(counts[taker])
    assert max(counts) <= min(counts) + min(counts) // 16 + 1


def test_nobody_waits_for_a_worker_that_takes_no_more_or_is_gone() -> None:
    balance = Balance(3)
    first, second, third = (balance.place(index) for index in range(3))
    assert first.rival().connections == -1
    second.show(2)
    third.show(7)
    assert first.rival().connections == 2
    second.leave()
    assert first.rival().connections == 7
    balance.clear(2)
    assert first.rival().connections == -1
    assert not first.is_ahead(100, first.rival().connections)


def test_a_worker_alone_is_never_ahead() -> None:
    place = Balance(1).place(0)
    place.show_taken(5)
    assert not place.is_ahead(5, place.rival().connections)


def test_a_forked_worker_shares_the_numbers() -> None:
    balance = Balance(2)
    ours = balance.place(0)
    ours.show(3)
    if (pid := os.fork()) == 0:
        theirs = balance.place(1)
        theirs.show_taken(40 + theirs.rival().connections)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert ours.rival().connections == 43
    assert not ours.is_ahead(0, 0)


def test_a_rival_that_takes_connections_is_seen_to_do_so() -> None:
    """Also when it has as many as before: they may have ended."""
    balance = Balance(2)
    ours, theirs = balance.place(0), balance.place(1)
    theirs.show(0)
    before = ours.rival()
    theirs.show(0)
    assert ours.rival() == before
    theirs.show_taken(1)
    theirs.show(0)
    assert ours.rival() != before
    assert ours.rival().connections == 0


def test_counting_what_was_taken_never_ends() -> None:
    balance = Balance(2)
    ours, theirs = balance.place(0), balance.place(1)
    theirs._taken[1] = 2**31 - 1
    theirs.show_taken(1)
    assert ours.rival() == (1, 0)
