"""Customers of every kind; each checks what it gets against what it must get."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from tests.soak.ledger import Expected, Found, Ledger
from tests.soak.origin import start_of
from tests.soak.talk import CutError, Talk, WrongError
from tests.support.content import content

KIB, MIB = 1 << 10, 1 << 20
_MAX_REUSES = 30
_SMALL_BUFFER_BYTES = 16 * KIB
_LARGE = (1 * MIB, 8 * MIB)
_SMALL = (0, 20 * KIB)

Deed = Callable[["Visitor"], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Crowd:
    """What all visitors share."""

    port: int
    ledger: Ledger
    numbers: count[int] = field(default_factory=lambda: count(1))
    """Of requests; no two are the same."""
    is_over: bool = False


class Visitor:
    """One customer after the other."""

    def __init__(self, crowd: Crowd, seed: int) -> None:
        self.crowd = crowd
        self.random = random.Random(seed)
        self._talk: Talk | None = None
        self._reuses = 0
        self._target = ""

    async def visit(self) -> None:
        """Do one thing after the other until all is over."""
        deeds, weights = zip(*DEEDS.items(), strict=True)
        while not self.crowd.is_over:
            (deed,) = self.random.choices(deeds, weights)
            await deed(self)
        self.drop()

    def target(self, place: str, nature: str, size: int) -> str:
        """A path that nobody else asks."""
        self._target = f"/{place}/{nature}/{next(self.crowd.numbers)}/{size}"
        return self._target

    def between(self, sizes: tuple[int, int]) -> int:
        """A size."""
        return self.random.randint(*sizes)

    async def talk(self) -> Talk:
        """The connection of before, or a new one."""
        if self._talk is None or not self._talk.is_usable or self._reuses <= 0:
            self.drop()
            self._talk = await Talk.open(self.crowd.port)
            self._reuses = self.random.randint(1, _MAX_REUSES)
        self._reuses -= 1
        return self._talk

    def drop(self) -> None:
        """Leave."""
        talk, self._talk = self._talk, None
        if talk is not None:
            talk.close()

    async def judge(self, kind: str, expected: Expected, deed: Awaitable[Found]) -> None:
        """Note what a deed comes to: what it returns, a cut, or what is wrong."""
        began_s = time.monotonic()
        try:
            found = await deed
        except CutError:
            found = "cut"
        except WrongError as error:
            found = str(error)
        except Exception as error:  # noqa: BLE001 - the root of a deed: whatever it is, it is wrong
            found = repr(error)
        ended_s = time.monotonic()
        if isinstance(found, str):
            self.drop()
        self.crowd.ledger.note(
            kind, expected, found, target=self._target, began_s=began_s, ended_s=ended_s
        )


async def _status(
    visitor: Visitor, method: str, target: str, size: int = 0, *, is_chunked: bool = False
) -> Found:
    talk = await visitor.talk()
    answer = await talk.ask(method, target, size=size, is_chunked=is_chunked)
    if answer.status == 200 and answer.number < 0:
        raise WrongError(f"{target}: nobody's answer: {answer.body!r}")
    return answer.status


def _get(kind: str, nature: str, sizes: tuple[int, int]) -> Deed:
    async def deed(visitor: Visitor) -> None:
        target = visitor.target("page", nature, visitor.between(sizes))
        await visitor.judge(kind, 200, _status(visitor, "GET", target))

    return deed


def _post(kind: str, sizes: tuple[int, int]) -> Deed:
    async def deed(visitor: Visitor) -> None:
        size, is_chunked = visitor.between(sizes), visitor.random.random() < 0.5
        target = visitor.target("page", "upload", size)
        asking = _status(visitor, "POST", target, size, is_chunked=is_chunked)
        await visitor.judge(kind, 200, asking)

    return deed


def _failing(nature: str, expected: Expected, sizes: tuple[int, int] = (8 * KIB, 64 * KIB)) -> Deed:
    """The backend fails at this very request, in a way that must be told from a success."""

    async def deed(visitor: Visitor) -> None:
        size = visitor.between(sizes)
        target = visitor.target("fault", nature, size)
        is_upload = nature in {"early", "vanish"}
        asking = _status(visitor, "POST" if is_upload else "GET", target, size if is_upload else 0)
        await visitor.judge(f"backend: {nature}", expected, asking)
        visitor.drop()

    return deed


async def _nobody(visitor: Visitor) -> None:
    target = visitor.target("nobody", "sized", 1)
    await visitor.judge("backend: refuses", 502, _status(visitor, "GET", target))


async def _pipelined(visitor: Visitor) -> None:
    async def ask() -> Found:
        talk = await Talk.open(visitor.crowd.port)
        try:
            answers = await talk.ask_at_once(targets)
        finally:
            talk.close()
        return next((each.status for each in answers if each.status != 200), 200)

    sizes = [visitor.between(_SMALL) for _ in range(visitor.random.randint(2, 12))]
    targets = [visitor.target("page", "sized", size) for size in sizes]
    await visitor.judge("pipelined", 200, ask())


async def _slow(visitor: Visitor) -> None:
    """A head in pieces, an answer through a small window."""

    async def ask() -> Found:
        talk = await Talk.open(visitor.crowd.port, receive_buffer_bytes=_SMALL_BUFFER_BYTES)
        talk.pause_s = 0.02
        try:
            return await _dribble(talk, target)
        finally:
            talk.close()

    target = visitor.target("page", "sized", visitor.between((256 * KIB, 1 * MIB)))
    await visitor.judge("slow customer", 200, ask())


async def _dribble(talk: Talk, target: str) -> int:
    head = f"GET {target} HTTP/1.1\r\nHost: soak.test\r\n\r\n".encode()
    for at in range(0, len(head), 16):
        await talk.send(head[at : at + 16])
        await asyncio.sleep(0.05)
    return (await talk.answer_to_sent(target)).status


async def _leave_early(visitor: Visitor) -> None:
    """Leave in the middle of an upload or a download, politely or not."""

    async def leave() -> Found:
        talk = await Talk.open(visitor.crowd.port)
        number = next(visitor.crowd.numbers)
        head = f"{{}} /page/{{}}/{number}/{size} HTTP/1.1\r\nHost: soak.test\r\n"
        head += "Content-Length: {}\r\n\r\n"
        # Whoever is cut while leaving has left all the same.
        with suppress(CutError):
            if is_upload:
                await talk.send(head.format("POST", "upload", size).encode())
                await talk.send(next(content(size, start_of(number)))[: size // 2])
            else:
                await talk.send(head.format("GET", "sized", 0).encode())
                await talk.read_any()
        if is_rude:
            talk.cut()
        else:
            talk.close()
        return "left"

    size, is_upload = visitor.between(_LARGE), visitor.random.random() < 0.5
    is_rude = visitor.random.random() < 0.5
    await visitor.judge("leaves midway", "left", leave())


async def _ambiguous(visitor: Visitor) -> None:
    """What two parsers could read in two ways is refused."""

    async def ask() -> Found:
        talk = await Talk.open(visitor.crowd.port)
        try:
            target = visitor.target("page", "upload", 5)
            head = f"POST {target} HTTP/1.1\r\nHost: soak.test\r\n"
            framing = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            await talk.send((head + framing).encode())
            return (await talk.answer_to_sent(target)).status
        finally:
            talk.close()

    await visitor.judge("ambiguous", 400, ask())


async def _tunnel(visitor: Visitor) -> None:
    """Switch protocols, talk, and leave in one of three ways."""

    async def converse() -> Found:
        talk = await Talk.open(visitor.crowd.port)
        try:
            target = visitor.target("page", "tunnel", 0)
            offer = "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            await talk.send(f"GET {target} HTTP/1.1\r\nHost: soak.test\r\n{offer}".encode())
            status = int((await talk.read_head()).split(b" ", 2)[1])
            if status != 101:
                return status
            for _ in range(visitor.random.randint(1, 20)):
                said = visitor.random.randbytes(visitor.between((1, 30_000)))
                await talk.send(said)
                if await talk.read(len(said)) != said:
                    raise WrongError(f"{target}: other bytes than were said")
            await _end(talk, visitor.random.choice(("polite", "rude", "half")))
            return 101
        finally:
            talk.close()

    await visitor.judge("tunnel", 101, converse())


async def _end(talk: Talk, how: str) -> None:
    if how == "rude":
        talk.cut()
    elif how == "half":
        talk.finish()
        if await talk.read_any():
            raise WrongError("bytes behind the end of a tunnel")


DEEDS: dict[Deed, float] = {
    _get("GET", "sized", _SMALL): 30,
    _get("GET in chunks", "chunked", _SMALL): 10,
    _get("GET until closed", "closing", _SMALL): 5,
    _post("POST", _SMALL): 15,
    _get("large download", "sized", _LARGE): 2,
    _get("large download in chunks", "chunked", _LARGE): 1,
    _post("large upload", _LARGE): 2,
    _pipelined: 4,
    _slow: 2,
    _leave_early: 4,
    _ambiguous: 2,
    _tunnel: 4,
    _nobody: 1,
    _failing("early", 413): 1,
    _failing("extra", 200): 2,
    _failing("garbage", 502): 1,
    _failing("vanish", 502): 1,
    _failing("hang", 504): 0.3,
    _failing("stall", "cut"): 0.3,
    # Where the end comes with the beginning, the gateway still can say so in its own words.
    _failing("half", ("cut", 502)): 1,
    _failing("reset", ("cut", 502)): 1,
}
"""Each with how often it is done, relative to the others."""
