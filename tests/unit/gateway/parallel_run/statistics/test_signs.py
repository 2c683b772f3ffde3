"""Who is ahead more often than chance would have it."""

from __future__ import annotations

import math
import random
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run.statistics.rate import log_needed
from gateway.parallel_run.statistics.signs import Signs, discoveries


def test_ties_say_nothing() -> None:
    signs = Signs().add(1, 1).add(0, 0)
    assert signs == Signs(ties=2)
    assert signs.log_evidence == 0


def test_seven_in_a_row_are_proof() -> None:
    """Each nearly doubles the capital: the stake is spread over all coins that are unfair."""
    runs = [Signs(candidate=n).log_evidence >= log_needed(0.95) for n in range(1, 12)]
    assert runs.index(True) + 1 == 7


def test_a_candidate_that_is_always_nearer_has_collapsed() -> None:
    signs = Signs(control=20)
    assert signs.log_evidence < 0
    assert signs.log_evidence_of_collapse > log_needed(0.99)


def test_a_fair_coin_is_called_unfair_in_one_of_twenty_runs_at_most_however_often_looked_at() -> (
    None
):
    # Many runs come by the same counts, for which the evidence is the same.
    is_proved = cache(lambda signs: signs.log_evidence >= log_needed(0.95))
    source = random.Random(3)
    wrong = 0
    for _ in range(400):
        signs = Signs()
        for _ in range(200):
            signs = signs.add(source.random(), source.random())
            if is_proved(signs):
                wrong += 1
                break
    assert wrong / 400 <= 0.05


def test_of_many_hypotheses_those_with_enough_evidence_together_are_refuted() -> None:
    # One alone needs 4 / 0.05 = 80; two need 40 each; three 26.7 each.
    evidence = {"a": 45.0, "b": 41.0, "c": 20.0, "d": 0.1}
    logs = {name: math.log(value) for name, value in evidence.items()}
    assert discoveries(logs, 0.95) == {"a", "b"}
    assert discoveries({**logs, "b": 0.0}, 0.95) == set()
    assert discoveries({}, 0.95) == set()


@given(st.dictionaries(st.integers(), st.floats(-50, 50), max_size=20))
def test_more_evidence_never_refutes_less(logs: dict[int, float]) -> None:
    found = discoveries(logs, 0.95)
    more = {key: value + 1 for key, value in logs.items()}
    assert found <= discoveries(more, 0.95)
