"""A few flips through each way under load; `python -m tests.flips` makes two hundred of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flips.flipping import flip
from tests.flips.ways import WAYS

_FLIPS, _RATE = 4, 300.0


@pytest.mark.e2e
@pytest.mark.parametrize("way", WAYS)
def test_promise_5_flips_in_a_row_drop_nothing_and_mis_route_nothing(
    tmp_path: Path, way: str
) -> None:
    """A bad file between two of them changes nothing; each is in effect when it says so."""
    flipped = flip(tmp_path, way, flips=_FLIPS, rate=_RATE)
    assert flipped.wrong == ()
    assert flipped.bad_files == 1
    assert flipped.moved > 0
