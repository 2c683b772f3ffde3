"""A short soak in the ordinary suite: too short to judge memory, long enough for all else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.faults import EARLY, FAULTS, NAMES
from tests.soak.report import faults_of
from tests.soak.run import soak
from tests.soak.visitors import DEEDS

_SECONDS = 15.0
"""At least: it goes on until each fault has been made once."""


# Strict only where it always fails: some runs of this length miss what goes wrong.
@pytest.mark.e2e
def test_promises_3_and_5_nothing_is_wrong_or_left_behind_whatever_goes_wrong(
    tmp_path: Path,
) -> None:
    """Every kind of customer, every fault: no wrong answer, and not one descriptor is kept."""
    soaked = soak(tmp_path, seconds=_SECONDS, seed=2)
    assert faults_of(soaked) == []
    assert len({*soaked.ledger.right, *soaked.ledger.excused}) == len(DEEDS)
    assert set(soaked.trouble.made) == {NAMES[fault] for fault in (*EARLY, *FAULTS)}
