"""The link between the supervisor and a child: nobody waits, nothing leaks, the newest counts."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from gateway.control.lifeline import Lifeline
from gateway.control.messages import (
    Accepted,
    ControlLinked,
    Draining,
    FrameError,
    Left,
    Linked,
    Message,
)
from tests.support.counted import AT, counted

BIG = 3_000_000
"""More than a socket holds."""


@pytest.fixture
def ends() -> Iterator[tuple[Lifeline, Lifeline]]:
    """The supervisor's end and a child's."""
    ours, theirs = map(Lifeline, socket.socketpair())
    yield ours, theirs
    ours.close()
    theirs.close()


class Heard:
    """What a child has heard."""

    def __init__(self, lifeline: Lifeline) -> None:
        self.messages: list[tuple[Message, int | None]] = []
        self.changed = asyncio.Event()
        self.has_ended = False
        lifeline.listen(self._received, self._ended)

    def _received(self, message: Message, descriptor: int | None) -> None:
        self.messages.append((message, descriptor))
        self.changed.set()

    def _ended(self) -> None:
        self.has_ended = True
        self.changed.set()

    async def next(self) -> None:
        """Wait until more has come."""
        async with asyncio.timeout(5):
            await self.changed.wait()
        self.changed.clear()


def test_each_announced_descriptor_comes_with_its_own_message(
    ends: tuple[Lifeline, Lifeline],
) -> None:
    ours, theirs = ends
    pipes = [os.pipe() for _ in range(2)]
    assert ours.send(Draining())
    for index, (_, write) in enumerate(pipes):
        assert ours.send(Linked(index, 1, 0), write)
        os.close(write)
    came: list[tuple[Message, int | None]] = []
    while len(came) < 3:
        came += theirs.read() or []
    assert [message for message, _ in came] == [Draining(), Linked(0, 1, 0), Linked(1, 1, 0)]
    assert came[0][1] is None
    for (read, _), (_, descriptor) in zip(pipes, came[1:], strict=True):
        assert descriptor is not None
        os.write(descriptor, b"x")
        assert os.read(read, 9) == b"x"
        os.close(descriptor)
        os.close(read)


def test_sending_to_a_process_that_does_not_read_fails_and_never_waits(
    ends: tuple[Lifeline, Lifeline],
) -> None:
    """Were the supervisor to wait for a stopped worker, nobody would look after the others."""
    ours, _ = ends
    sent = 0
    while ours.send(ControlLinked()):
        sent += 1
    assert sent > 100


def test_sending_to_a_dead_process_fails(ends: tuple[Lifeline, Lifeline]) -> None:
    ours, theirs = ends
    theirs.close()
    assert not ours.send(Draining())
    assert ours.read() is None


def test_reading_finds_nothing_then_the_end(ends: tuple[Lifeline, Lifeline]) -> None:
    """An end in the middle of a message is an end, too."""
    ours, theirs = ends
    assert ours.read() == []
    theirs.end.send(b"\x00\x00\x00\x09half")
    theirs.close()
    assert ours.read() == []
    assert ours.read() is None


def test_reading_what_is_no_message_is_an_error(ends: tuple[Lifeline, Lifeline]) -> None:
    ours, theirs = ends
    theirs.end.send(b"\xff\xff\xff\xff")
    with pytest.raises(FrameError):
        ours.read()


async def test_what_is_posted_while_the_supervisor_hangs_arrives_later_newest_only(
    ends: tuple[Lifeline, Lifeline],
) -> None:
    """Control goes on meanwhile; of each kind of message, one is under way and one waits."""
    ours, theirs = ends
    for revision in (1, 2, 3):
        theirs.post(Accepted(revision, bytes(BIG), AT))
    theirs.post(Left(counted(1)))
    came: list[Message] = []
    async with asyncio.timeout(5):
        while len(came) < 3:
            came += [message for message, _ in ours.read() or []]
            await asyncio.sleep(0)
    assert came == [Accepted(1, bytes(BIG), AT), Accepted(3, bytes(BIG), AT), Left(counted(1))]


async def test_posting_to_a_dead_supervisor_is_no_error(ends: tuple[Lifeline, Lifeline]) -> None:
    ours, theirs = ends
    theirs.post(Accepted(1, bytes(BIG), AT))
    ours.close()
    heard = Heard(theirs)
    await heard.next()
    theirs.post(Accepted(2, bytes(BIG), AT))
    assert heard.has_ended


async def test_a_listener_hears_messages_and_then_the_end_once(
    ends: tuple[Lifeline, Lifeline],
) -> None:
    ours, theirs = ends
    heard = Heard(theirs)
    ours.send(Draining())
    await heard.next()
    assert heard.messages == [(Draining(), None)]
    ours.close()
    await heard.next()
    assert heard.has_ended


async def test_a_listener_takes_what_is_no_message_for_the_end(
    ends: tuple[Lifeline, Lifeline],
) -> None:
    ours, theirs = ends
    heard = Heard(theirs)
    ours.end.send(b"\xff\xff\xff\xff")
    await heard.next()
    assert heard.has_ended


@contextmanager
def _no_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.dup(1)]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 8, hard))
        with suppress(OSError):
            while True:
                taken.append(os.dup(1))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)


async def test_a_link_arrives_even_when_customers_have_taken_every_descriptor(
    ends: tuple[Lifeline, Lifeline],
) -> None:
    """A worker without it would miss every flip; without room at all, it learns that much."""
    ours, theirs = ends
    heard = Heard(theirs)
    with _no_descriptor_left():
        for _ in range(2):
            ours.send(ControlLinked(), ours.end.fileno())
            await heard.next()
    (_, first), (_, second) = heard.messages
    assert first is not None
    assert second is None
    os.close(first)
