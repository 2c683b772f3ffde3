"""The old code's own restlessness is told from the candidate's faults, at any level of noise."""

from __future__ import annotations

import random

import pytest

from gateway.parallel_run.noise import LEAST_PROOF, MOST_PLACES, Exchangeability, NoiseBook

CLOCK, PRICE = "json:$.created_at", "json:$.price"


def test_a_field_that_differs_in_every_answer_of_the_old_code_is_noise() -> None:
    book = NoiseBook()
    for _ in range(LEAST_PROOF):
        book.add([CLOCK], [CLOCK])
    assert set(book.noisy(0.95)) == {CLOCK}
    assert book.noisy(0.95)[CLOCK].both == LEAST_PROOF
    assert book.is_noise([CLOCK], 0.95)
    assert not book.is_noise([CLOCK, PRICE], 0.95)


def test_a_few_races_are_no_noise() -> None:
    book = NoiseBook()
    for _ in range(LEAST_PROOF - 1):
        book.add([CLOCK], [CLOCK])
    assert book.noisy(0.95) == {}


@pytest.mark.parametrize("noise", [0.1, 0.5, 0.67, 0.9])
def test_a_candidate_that_is_always_wrong_is_found_at_any_level_of_noise(noise: float) -> None:
    """Counting rules are blind from 0.67 on: what differs that often can never be flagged."""
    source, book = random.Random(1), NoiseBook()
    for _ in range(400):
        book.add([PRICE], [PRICE] if source.random() < noise else [])
    assert book.worse(0.95) == {PRICE}
    assert not book.is_noise([PRICE], 0.95)


def test_a_candidate_as_restless_as_the_old_code_is_hardly_ever_called_worse() -> None:
    source = random.Random(2)
    wrong = 0
    for _ in range(200):
        book = NoiseBook()
        for _ in range(200):
            either = [[CLOCK] if source.random() < 0.3 else [] for _ in range(2)]
            book.add(*either)
        wrong += bool(book.worse(0.95))
    assert wrong / 200 <= 0.05


def test_a_clock_that_stands_still_is_found_though_it_differs_no_more_often() -> None:
    book = NoiseBook()
    for _ in range(20):
        book.add([CLOCK], [CLOCK], again=[])
    assert book.worse(0.95) == {CLOCK}
    assert book.noisy(0.95) == {}


def test_a_candidate_that_is_more_restless_than_the_old_code_is_found() -> None:
    source, book = random.Random(4), NoiseBook()
    for _ in range(100):
        book.add([PRICE], [PRICE] if source.random() < 0.5 else [], again=[PRICE])
    assert book.worse(0.95) == {PRICE}


def test_places_without_end_cost_no_memory_without_end() -> None:
    book = NoiseBook()
    for place in range(MOST_PLACES + 10):
        book.add([f"json:$.k{place}"], [])
    assert len(book.places) == MOST_PLACES


def _picture_trials(count: int, shift: float, spread: float) -> Exchangeability:
    """Trials of a source whose features are normal; the candidate's is shifted and spread."""
    source, trials = random.Random(9), Exchangeability()
    for _ in range(count):
        x, again = source.gauss(0, 1), source.gauss(0, 1)
        y, other = (source.gauss(shift, spread) for _ in range(2))
        trials.add({"colour": abs(x - y)}, {"colour": abs(x - again)}, {"colour": abs(y - other)})
    return trials


def test_pictures_of_the_same_kind_of_source_are_exchangeable() -> None:
    assert _picture_trials(120, shift=0, spread=1).differences(0.95) == ()


def test_pictures_that_miss_the_mark_are_further_away() -> None:
    assert _picture_trials(60, shift=3, spread=1).differences(0.95) == ("colour is further away",)


def test_a_candidate_that_always_paints_one_picture_varies_less() -> None:
    assert "colour varies less" in _picture_trials(60, shift=0, spread=0).differences(0.95)


def test_without_a_second_candidate_the_spread_is_not_judged() -> None:
    trials = Exchangeability()
    for _ in range(60):
        trials.add({"colour": 0.0}, {"colour": 1.0})
    assert trials.differences(0.95) == ()
