"""Bodies that are being read share a bound: who makes room, and who is left alone."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send

from image_service.bodies import Bounded, CrowdedError

_MOST_BYTES = 1000


async def _read(scope: Scope, receive: Receive, _send: Send) -> None:
    """Read the body to its end, and say how that came out."""
    try:
        while (await receive())["more_body"]:
            pass
    except CrowdedError:
        scope["said"].set_result("given up")
    else:
        scope["said"].set_result("whole")


async def _unused(_message: Message) -> None:
    """Nothing is answered here."""


class _Sender:
    """A customer, who sends as a test likes."""

    def __init__(self, bounded: Bounded, tasks: asyncio.TaskGroup) -> None:
        self.said: asyncio.Future[str] = asyncio.Future()
        self._pieces: asyncio.Queue[Message] = asyncio.Queue()
        scope = {"type": "http", "said": self.said}
        tasks.create_task(bounded(scope, self._pieces.get, _unused))

    async def send(self, size_bytes: int, *, is_last: bool = False) -> None:
        """Send a piece, and let the service take it."""
        body = b"x" * size_bytes
        self._pieces.put_nowait({"type": "http.request", "body": body, "more_body": not is_last})
        for _ in range(5):
            await asyncio.sleep(0)


async def _outcomes(*senders: _Sender) -> list[str]:
    """Let everybody finish who may."""
    for sender in senders:
        await sender.send(1, is_last=True)
    return [await sender.said for sender in senders]


async def test_who_has_been_sending_for_the_longest_makes_room() -> None:
    bounded = Bounded(_read, _MOST_BYTES)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        senders = [_Sender(bounded, tasks) for _ in range(4)]
        for sender in senders:
            await sender.send(300)
        assert senders[0].said.done(), "at once, and not with its next piece"
        assert await _outcomes(*senders) == ["given up", "whole", "whole", "whole"]


async def test_who_holds_little_is_left_alone_however_long_it_takes() -> None:
    """An order on a slow line, beside three who send as much as they can."""
    bounded = Bounded(_read, _MOST_BYTES)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        slow, *greedy = [_Sender(bounded, tasks) for _ in range(4)]
        await slow.send(10)
        for sender in greedy:
            await sender.send(400)
        assert await _outcomes(slow, *greedy) == ["whole", "given up", "whole", "whole"]


async def test_what_is_whole_or_left_takes_no_room_any_more() -> None:
    bounded = Bounded(_read, _MOST_BYTES)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        for _ in range(20):
            sender = _Sender(bounded, tasks)
            await sender.send(900)
            assert await _outcomes(sender) == ["whole"]


async def test_a_body_longer_than_the_bound_makes_room_itself() -> None:
    bounded = Bounded(_read, _MOST_BYTES)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        sender = _Sender(bounded, tasks)
        await sender.send(_MOST_BYTES + 1)
        assert await sender.said == "given up"
