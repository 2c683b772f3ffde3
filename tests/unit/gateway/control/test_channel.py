"""The link between control and a worker."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.control import channel as module
from gateway.control.channel import Channel
from gateway.control.messages import Accepted, Draining, Message, Report
from gateway.telemetry.counters import pack
from tests.support.counted import AT, counted


async def test_messages_of_any_size_arrive_in_order() -> None:
    one, other = socket.socketpair()
    came: asyncio.Queue[Message] = asyncio.Queue()
    sender = await Channel.open(one, came.put_nowait)
    await Channel.open(other, came.put_nowait)
    sent: list[Message] = [
        Accepted(1, bytes(3_000_000), AT),
        Report(1, pack(counted(1))),
        Draining(),
    ]
    assert all(map(sender.send, sent))
    async with asyncio.timeout(5):
        assert [await came.get() for _ in sent] == sent
    sender.close()


async def test_who_does_not_read_is_sent_no_more_and_it_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stopped worker costs control some memory, and never a wait."""
    monkeypatch.setattr(module, "MAX_UNSENT_BYTES", 100_000)
    one, other = socket.socketpair()
    with other:
        sender = await Channel.open(one, lambda _: None)
        sent = [sender.send(Accepted(n, bytes(400_000), AT)) for n in range(4)]
        assert sent in ([True, False, False, False], [True, True, False, False])
        assert sender.shed == sent.count(False)
        sender.close()


@pytest.mark.parametrize("ending", ["the other end is gone", "what came is no message"])
async def test_the_end_is_told_once_and_nothing_is_sent_behind_it(ending: str) -> None:
    one, other = socket.socketpair()
    ended: list[str] = []
    told = asyncio.Event()

    def hear_end() -> None:
        ended.append("ended")
        told.set()

    channel = await Channel.open(one, lambda _: None, hear_end)
    with other:
        if ending == "what came is no message":
            other.sendall(b"\xff\xff\xff\xff\xff")
        else:
            other.close()
        async with asyncio.timeout(5):
            await told.wait()
    assert not channel.send(Draining())
    channel.close()
    assert ended == ["ended"]


async def test_last_words_are_waited_for_and_not_for_ever() -> None:
    """A process that ended before would take with it what the other end has not read yet."""
    one, other = socket.socketpair()
    came: asyncio.Queue[Message] = asyncio.Queue()
    sender = await Channel.open(one, came.put_nowait)
    said = Accepted(1, bytes(3_000_000), AT)
    sender.send(said)
    await sender.drained(0.05)
    assert came.empty(), "nobody has read"
    reader = await Channel.open(other, came.put_nowait)
    await sender.drained(5)
    sender.close()
    async with asyncio.timeout(5):
        assert await came.get() == said
    reader.close()
