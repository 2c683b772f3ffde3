"""The page about parallel runs, and the candidates it is measured with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.bad_candidate import BY_NAME, DEAD, WAYS
from bench.machine import Machine
from bench.trial_lag import WAYS as MEASURED
from bench.trial_lag import Lag
from bench.trial_page import Figures, page

_MACHINE = Machine(
    date="2026-11-24", cpu="CPU", cores=2, memory_gib=4, kernel="Linux", python="3.11", load=0.1
)
_COMPARING = {
    "document_bytes": [10_094.0],
    "picture_bytes": [1_053_492.0],
    "differ_us": [200.0],
    "equal_us": [7.0],
    "pictures_ms": [15.0],
    "ledger_a_s": [9_000.0],
    "taking_us": [6.0],
}
_LAG = Lag(way="floods", late_s=[0.001] * 100, used_s=[0.001] * 100, answers_s=[0.002] * 100)
_GOOD = Figures(
    worker={"without_us": [9.0, 9.5], "with_us": [15.0, 15.5]}, comparing=_COMPARING, lags=[_LAG]
)


def test_targets_that_are_met_say_so() -> None:
    text = page(_GOOD, _MACHINE)
    assert text.count(", met)") == 6
    assert "**not met**" not in text
    assert "{" not in text


@pytest.mark.parametrize(
    "figures",
    [
        replace(_GOOD, worker={"without_us": [9.0], "with_us": [20.0]}),
        replace(_GOOD, lags=[replace(_LAG, used_s=[0.001, 0.011])]),
        replace(_GOOD, comparing=_COMPARING | {"differ_us": [301.0]}),
        replace(_GOOD, comparing=_COMPARING | {"equal_us": [21.0]}),
        replace(_GOOD, comparing=_COMPARING | {"pictures_ms": [61.0]}),
        replace(_GOOD, comparing=_COMPARING | {"ledger_a_s": [1_999.0]}),
    ],
)
def test_a_target_that_is_not_met_says_so(figures: Figures) -> None:
    assert page(figures, _MACHINE).count("**not met**") == 1


def test_every_way_has_a_name_of_its_own_and_those_measured_are_among_them() -> None:
    assert len(BY_NAME) == len(WAYS)
    assert set(MEASURED) <= BY_NAME.keys()
    assert DEAD in BY_NAME
