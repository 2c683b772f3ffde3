"""The page about orders."""

from __future__ import annotations

import pytest

from bench.image_page import Figures, page
from bench.machine import Machine

_MACHINE = Machine(
    date="2026-11-24", cpu="CPU", cores=2, memory_gib=4, kernel="Linux", python="3.11", load=0.1
)


def _figures(*, per_core: float, together_s: float, under_load_s: float) -> Figures:
    return Figures(
        together=100,
        per_core=[per_core] * 3,
        per_second=[per_core] * 3,
        answers_s=[[0.010, 0.020]] * 3,
        together_s=[together_s] * 3,
        idle_s=[[0.002] * 100] * 3,
        under_load_s=[[under_load_s] * 100] * 3,
        in_one_moment_s=[[0.003] * 100] * 3,
    )


def test_targets_that_are_met_say_so() -> None:
    text = page(_figures(per_core=2000, together_s=3.0, under_load_s=0.004), _MACHINE, 3)
    assert text.count(", met)") == 4
    assert "**not met**" not in text
    assert "100 orders that come within a second" in text


@pytest.mark.parametrize(
    "figures",
    [
        _figures(per_core=700, together_s=3.0, under_load_s=0.004),
        _figures(per_core=2000, together_s=4.1, under_load_s=0.004),
        _figures(per_core=2000, together_s=3.0, under_load_s=0.007),
    ],
)
def test_a_target_that_is_not_met_says_so(figures: Figures) -> None:
    assert page(figures, _MACHINE, 3).count("**not met**") == 1
