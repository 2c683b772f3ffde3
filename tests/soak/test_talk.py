"""The checker itself: what is wrong with an answer does not escape it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.soak.origin import start_of
from tests.soak.talk import CutError, Talk, WrongError
from tests.support.content import content

_TARGET = "/page/sized/7/3000"
_RIGHT = b"".join(content(3000, start_of(7)))
_OTHERS = b"".join(content(3000, start_of(8)))


def _answer(body: bytes, *, number: int = 7, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: %d\r\n\r\n" % (number, size) + body


@asynccontextmanager
async def _talking_to(answer: bytes) -> AsyncIterator[Talk]:
    """A server that says this, whatever it is asked, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        talk = await Talk.open(server.sockets[0].getsockname()[1])
        try:
            yield talk
        finally:
            talk.close()


async def test_the_right_answer_is_right() -> None:
    async with _talking_to(_answer(_RIGHT)) as talk:
        answer = await talk.ask("GET", _TARGET)
    assert (answer.status, answer.number) == (200, 7)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(_answer(_OTHERS, number=8), WrongError, id="another's answer"),
        pytest.param(_answer(_OTHERS), WrongError, id="another's body"),
        pytest.param(_answer(_RIGHT[:-1]), WrongError, id="short, and looks complete"),
        pytest.param(_answer(_RIGHT + b"x"), WrongError, id="long"),
        pytest.param(_answer(_RIGHT[:9] + b"?" + _RIGHT[10:]), WrongError, id="one byte"),
        pytest.param(_answer(_RIGHT[:-1], length=3000), CutError, id="cut"),
        pytest.param(b"", CutError, id="nothing"),
        pytest.param(b"HTTP/1.1 200", CutError, id="half a head"),
    ],
)
async def test_a_wrong_answer_is_told_from_a_cut_one(answer: bytes, error: type[Exception]) -> None:
    async with _talking_to(answer) as talk:
        with pytest.raises(error):
            await talk.ask("GET", _TARGET)


async def test_answers_in_the_wrong_order_are_wrong() -> None:
    targets = ["/page/sized/7/3000", "/page/sized/8/3000"]
    async with _talking_to(_answer(_OTHERS, number=8) + _answer(_RIGHT)) as talk:
        with pytest.raises(WrongError, match="number 8"):
            await talk.ask_at_once(targets)
