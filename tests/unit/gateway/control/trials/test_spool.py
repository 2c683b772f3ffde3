"""What was put into the spool comes out again, or it is said why not."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.control.trials.blocks import BLOCK_BYTES
from gateway.control.trials.spool import QUIET_S, Refused, Spool, Spooled, SpoolError

OpenSpool = Callable[..., Spool]


@pytest.fixture
async def open_spool(tmp_path: Path) -> AsyncIterator[OpenSpool]:
    """Opens spools in an empty folder."""
    opened: list[Spool] = []

    def open_one(clock: Callable[[], float] = time.monotonic, **limits: int) -> Spool:
        opened.append(Spool(str(tmp_path), clock=clock, **limits))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


async def read(spool: Spool, body: Spooled, behind: bytes = b"") -> bytes:
    return await spool.run(lambda: spool.read_now(body, behind))


async def test_bodies_come_out_as_they_went_in_whoever_comes_and_goes(
    open_spool: OpenSpool,
) -> None:
    """Ten bodies grow piece by piece, in turns, and now and then one goes."""
    spool, draw = open_spool(), random.Random(11)
    kept: dict[Spooled, bytes] = {}
    for _ in range(300):
        if len(kept) < 10:
            kept[Spooled()] = b""
        body = draw.choice(list(kept))
        if draw.random() < 0.1:
            assert await read(spool, body, b"behind") == kept.pop(body) + b"behind"
            spool.free(body)
            continue
        pieces = [draw.randbytes(draw.randrange(40_000)) for _ in range(draw.randrange(4))]
        spool.add(body, pieces)
        kept[body] += b"".join(pieces)
    for body, expected in kept.items():
        assert await read(spool, body) == expected
        spool.free(body)
    assert spool.held_bytes == 0
    assert not any(spool.refused.values())


async def test_nothing_of_it_is_to_be_seen_in_the_folder_and_the_space_is_given_back(
    open_spool: OpenSpool, tmp_path: Path
) -> None:
    spool, body = open_spool(), Spooled()
    spool.add(body, [bytes(300_000)])
    await read(spool, body)
    assert os.listdir(tmp_path) == []
    assert spool.held_bytes == 5 * BLOCK_BYTES
    assert spool._file is not None
    assert os.fstat(spool._file).st_size == 300_000
    assert os.fstat(spool._file).st_mode & 0o077 == 0
    spool.free(body)
    await read(spool, Spooled())
    assert os.fstat(spool._file).st_size == 0


async def test_a_body_for_which_there_is_no_room_takes_none(open_spool: OpenSpool) -> None:
    spool = open_spool(most_bytes=4 * BLOCK_BYTES)
    first, second = Spooled(), Spooled()
    spool.add(first, [bytes(2 * BLOCK_BYTES)])
    spool.add(second, [bytes(BLOCK_BYTES)])
    spool.add(second, [bytes(2 * BLOCK_BYTES)])
    assert second.fault is Refused.FULL
    assert spool.refused[Refused.FULL] == 1
    assert spool.held_bytes == 2 * BLOCK_BYTES
    spool.add(second, [b"more"])
    assert spool.held_bytes == 2 * BLOCK_BYTES
    with pytest.raises(SpoolError, match="full"):
        await read(spool, second)
    assert await read(spool, first) == bytes(2 * BLOCK_BYTES)


async def test_a_disk_that_does_not_keep_up_costs_no_memory(
    open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = open_spool(most_unwritten_bytes=3 * BLOCK_BYTES)
    goes_on, write = threading.Event(), os.pwrite

    def slow(file: int, data: bytes, offset: int) -> int:
        goes_on.wait(10)
        return write(file, data, offset)

    monkeypatch.setattr("gateway.control.trials.spool.os.pwrite", slow)
    bodies = [Spooled() for _ in range(4)]
    for number, body in enumerate(bodies):
        spool.add(body, [bytes([number]) * BLOCK_BYTES])
    assert [body.fault for body in bodies] == [None, None, None, Refused.SLOW]
    goes_on.set()
    for number, body in enumerate(bodies[:3]):
        assert await read(spool, body) == bytes([number]) * BLOCK_BYTES
    spool.add(again := Spooled(), [b"now there is room"])
    assert await read(spool, again) == b"now there is room"


async def test_a_disk_that_takes_nothing_is_said_once_and_so_is_that_it_does_again(
    open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "figueira")
    now_s, write = 100.0, os.pwrite
    spool = open_spool(clock=lambda: now_s)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.control.trials.spool.os.pwrite", full)
    bodies = [Spooled(), Spooled()]
    for body in bodies:
        spool.add(body, [b"x" * 100])
        with pytest.raises(SpoolError, match="disk"):
            await read(spool, body)
        spool.free(body)
    assert spool.refused[Refused.DISK] == 2
    monkeypatch.setattr("gateway.control.trials.spool.os.pwrite", write)
    for now_s in (100.0 + QUIET_S - 1, 100.0 + QUIET_S):  # noqa: B007 - the clock reads it
        assert [line.partition(" ")[0] for line in caplog.messages] == ["spool_failed"]
        spool.add(well := Spooled(), [b"well again"])
        assert await read(spool, well) == b"well again"
    said = [record.getMessage().partition(" ")[0] for record in caplog.records]
    assert said == ["spool_failed", "spool_restored"]
    assert "No space left on device" in caplog.records[0].getMessage()


async def test_a_file_that_was_cut_is_no_body(open_spool: OpenSpool) -> None:
    spool, body = open_spool(), Spooled()
    spool.add(body, [bytes(1000)])
    await read(spool, body)
    assert spool._file is not None
    os.ftruncate(spool._file, 999)
    with pytest.raises(SpoolError, match="disk"):
        await read(spool, body)


async def test_a_closed_spool_takes_nothing_and_gives_nothing(open_spool: OpenSpool) -> None:
    spool, body = open_spool(), Spooled()
    spool.add(body, [b"x"])
    spool.close()
    spool.add(body, [b"y"])
    spool.free(body)
    with pytest.raises(SpoolError):
        await read(spool, body)
