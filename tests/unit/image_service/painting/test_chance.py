"""Chance that falls the same way everywhere."""

from __future__ import annotations

from image_service.painting.chance import Chance


def test_the_sequence_is_fixed_for_ever() -> None:
    """Recorded once; a change here changes every picture ever made."""
    chance = Chance("praia")
    assert [chance.whole(0, 999) for _ in range(5)] == [142, 666, 262, 621, 803]
    assert Chance("praia").grain(4).hex() == "12b16b7a"


def test_forks_do_not_depend_on_what_was_drawn_before() -> None:
    fresh, used = Chance("praia"), Chance("praia")
    used.draw()
    assert fresh.fork("sky").draw() == used.fork("sky").draw()


def test_draws_are_spread_over_the_unit_interval() -> None:
    chance = Chance("praia")
    draws = [chance.draw() for _ in range(4000)]
    assert 0 <= min(draws) < 0.01
    assert 0.99 < max(draws) < 1
    assert 0.48 < sum(draws) / len(draws) < 0.52


def test_a_key_may_hold_half_a_surrogate_pair() -> None:
    assert 0 <= Chance("\ud800").draw() < 1
