"""Behind a 101 the gateway is a tunnel: raw bytes in are raw bytes out, whatever they mean.

What frames mean is the two ends' own business, bad ones included: an end that is to close with
1002 must see what the other really sent.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.doors.frames import CROSSINGS, PING, TEXT, Crossing, frame
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.upgrade import upgraded
from tests.conformance.doors.wire import Wire

_DRIBBLED_BYTES = 300
"""Above, byte by byte proves no more and takes long."""


async def _cross(sender: Wire, receiver: Wire, pieces: tuple[bytes, ...]) -> bytes:
    async with asyncio.TaskGroup() as both:
        received = both.create_task(receiver.read(sum(map(len, pieces))))
        for piece in pieces:
            await sender.send(piece)
    return received.result()


@pytest.mark.parametrize("crossing", CROSSINGS, ids=lambda crossing: crossing.name)
async def test_promise_1_frames_cross_a_tunnel_unchanged_both_ways(
    stage: Stage, origin: Origin, crossing: Crossing
) -> None:
    customer, backend = await upgraded(stage, origin)
    assert await _cross(customer, backend, crossing.pieces) == crossing.data
    assert await _cross(backend, customer, crossing.pieces) == crossing.data
    assert not await customer.has_bytes()
    assert not await backend.has_bytes()


@pytest.mark.parametrize(
    "crossing",
    [each for each in CROSSINGS if 1 < len(each.data) <= _DRIBBLED_BYTES],
    ids=lambda crossing: crossing.name,
)
async def test_promise_1_bytes_that_dribble_in_are_passed_on_one_by_one(
    stage: Stage, origin: Origin, crossing: Crossing
) -> None:
    """Not one is held back until there are more."""
    customer, backend = await upgraded(stage, origin)
    for sender, receiver in ((customer, backend), (backend, customer)):
        for byte in crossing.data:
            await sender.send(bytes([byte]))
            assert await receiver.read(1) == bytes([byte])


async def test_both_ends_may_send_a_mebibyte_at_once(stage: Stage, origin: Origin) -> None:
    customer, backend = await upgraded(stage, origin)
    up, down = frame(TEXT, b"u" * (1 << 20), mask=b"mask"), frame(TEXT, b"d" * (1 << 20))
    async with asyncio.TaskGroup() as both:
        upwards = both.create_task(_cross(customer, backend, (up,)))
        downwards = both.create_task(_cross(backend, customer, (down,)))
    assert (upwards.result(), downwards.result()) == (up, down)


async def test_a_long_conversation_keeps_its_turns(stage: Stage, origin: Origin) -> None:
    customer, backend = await upgraded(stage, origin)
    for number in range(500):
        asked, answered = frame(PING, b"%d" % number, mask=b"mask"), frame(TEXT, b"%d" % number)
        await customer.send(asked)
        assert await backend.read(len(asked)) == asked
        await backend.send(answered)
        assert await customer.read(len(answered)) == answered
