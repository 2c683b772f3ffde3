"""Byte transparency: one table of requests and answers, held by every door as far as it can."""

from __future__ import annotations

import pytest

from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.crossings import CROSSINGS, Crossing
from tests.conformance.doors.inabilities import INABILITIES, Inability, fold, lost
from tests.conformance.doors.observing import Seen, expected, observe
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.servers import DOORS, Door
from tests.conformance.doors.wire import PATIENCE_S

_BRIEF_S = 0.3
"""For what is known to hang."""
_BY_ID = {crossing.id: crossing for crossing in CROSSINGS}
_ROWS = [
    pytest.param(door, crossing, id=f"{door}-{crossing.id}")
    for door in DOORS
    for crossing in CROSSINGS
]
_LOSSES = [
    pytest.param(door, inability, _BY_ID[name], id=f"{door}-{inability.what}-{name}")
    for inability in INABILITIES
    if inability.fold is not None
    for door, names in inability.shown_by.items()
    for name in names
]


async def _see(door: Door, crossing: Crossing, open_stage: OpenStage, origin: Origin) -> Seen:
    stage = await open_stage(door)
    patience_s = _BRIEF_S if crossing.id in lost(door) else PATIENCE_S
    return await observe(stage, origin, crossing, patience_s=patience_s)


@pytest.mark.parametrize(("door", "crossing"), _ROWS)
async def test_a_message_crosses_unchanged_save_for_what_a_proxy_must_change(
    door: Door, crossing: Crossing, open_stage: OpenStage, origin: Origin
) -> None:
    """And save for what the door is declared to be unable to do, which must turn out otherwise."""
    seen = await _see(door, crossing, open_stage, origin)
    is_right = fold(door, seen) == fold(door, expected(crossing))
    if crossing.id in lost(door):
        assert not is_right, "mended: this door can do it, so it is to be taken off the table"
    else:
        assert fold(door, seen) == fold(door, expected(crossing))


@pytest.mark.parametrize(("door", "inability", "crossing"), _LOSSES)
async def test_what_a_door_is_declared_to_lose_it_does_lose(
    door: Door,
    inability: Inability,
    crossing: Crossing,
    open_stage: OpenStage,
    origin: Origin,
) -> None:
    seen = await _see(door, crossing, open_stage, origin)
    assert fold(door, seen, but=inability) != fold(door, expected(crossing), but=inability)


async def test_every_crossing_has_its_own_name() -> None:
    assert len(_BY_ID) == len(CROSSINGS)
