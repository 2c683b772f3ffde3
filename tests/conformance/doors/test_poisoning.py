"""What a backend sends behind a complete answer reaches no other customer."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gateway.proxy.upstream import UpstreamConnection
from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.servers import DIRECT, DOORS, Door
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import settle, until

_GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\n"
_ANSWER = _OK + b"Content-Length: 2\r\n\r\nok"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_BEGUN_CHUNKED = _CHUNKED + b"5\r\nhello\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """A complete answer with more behind it."""

    id: str
    method: bytes = b"GET"
    answered: bytes
    arrives: bytes
    extra: bytes


_EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n"
_NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\n"
_HEAD_OK = _OK + b"Content-Length: 4\r\n\r\n"

POISONS = [
    Poison(id="two-answers", answered=_ANSWER, arrives=_ANSWER, extra=_EVIL),
    Poison(id="half-an-answer-more", answered=_ANSWER, arrives=_ANSWER, extra=_EVIL[:20]),
    Poison(id="one-byte-more", answered=_ANSWER, arrives=_ANSWER, extra=b"!"),
    Poison(id="line-end-more", answered=_ANSWER, arrives=_ANSWER, extra=b"\r\n" + _EVIL),
    Poison(
        id="an-interim-answer-more",
        answered=_ANSWER,
        arrives=_ANSWER,
        extra=b"HTTP/1.1 103 Early Hints\r\n\r\n",
    ),
    Poison(
        id="behind-the-last-chunk",
        answered=_BEGUN_CHUNKED + b"0\r\n\r\n",
        arrives=_BEGUN_CHUNKED + b"0\r\n\r\n",
        extra=_EVIL,
    ),
    Poison(id="body-on-head", method=b"HEAD", answered=_HEAD_OK, arrives=_HEAD_OK, extra=b"evil"),
    Poison(
        id="answer-as-a-body-on-head",
        method=b"HEAD",
        answered=_HEAD_OK,
        arrives=_HEAD_OK,
        extra=_EVIL,
    ),
    Poison(
        id="chunked-body-on-head",
        method=b"HEAD",
        answered=_CHUNKED,
        arrives=_CHUNKED,
        extra=b"4\r\nevil\r\n0\r\n\r\n",
    ),
    Poison(
        id="body-on-204",
        answered=_NO_CONTENT + b"Content-Length: 4\r\n\r\n",
        arrives=_NO_CONTENT + b"\r\n",
        extra=b"evil",
    ),
    Poison(
        id="chunked-body-on-204",
        answered=_NO_CONTENT + b"Transfer-Encoding: chunked\r\n\r\n",
        arrives=_NO_CONTENT + b"\r\n",
        extra=b"4\r\nevil\r\n0\r\n\r\n",
    ),
    Poison(
        id="body-on-304",
        answered=_NOT_MODIFIED + b"Content-Length: 4\r\n\r\n",
        arrives=_NOT_MODIFIED + b"Content-Length: 4\r\n\r\n",
        extra=b"evil",
    ),
    Poison(
        id="answer-behind-304",
        answered=_NOT_MODIFIED + b"\r\n",
        arrives=_NOT_MODIFIED + b"\r\n",
        extra=_EVIL,
    ),
]


@pytest.mark.parametrize("poison", POISONS, ids=lambda poison: poison.id)
@pytest.mark.parametrize("at_once", [True, False], ids=["at-once", "later"])
@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_what_comes_behind_a_complete_answer_reaches_nobody(
    open_stage: OpenStage, origin: Origin, door: Door, poison: Poison, *, at_once: bool
) -> None:
    stage = await open_stage(door)
    first = await stage.ask(poison.method + b" / HTTP/1.1\r\nHost: shop\r\n\r\n")
    backend = await origin.accept()
    await backend.head()
    await backend.send(poison.answered + (poison.extra if at_once else b""))
    arrived = await first.answer()
    if door is DIRECT:
        assert arrived == poison.arrives
    assert b"evil" not in arrived
    if not at_once:
        assert stage.open_connections() == 1
        await backend.send(poison.extra)
    await until(lambda: stage.open_connections() == 0)
    second = await stage.ask(_GET)
    await (await origin.accept()).serve(_ANSWER)
    assert (await second.answer()).endswith(b"\r\n\r\nok")
    assert not await first.has_bytes()
    assert not await second.has_bytes()
    assert [line.get("error") for line in stage.lines(2)] == [None, None]


async def test_a_proxys_word_for_close_does_not_spoil_the_answer_of_the_next_customer(
    open_stage: OpenStage, origin: Origin
) -> None:
    """Either the connection is not used again, or it serves: a POST's answer would be lost."""
    stage = await open_stage()
    first = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.serve(_OK + b"Proxy-Connection: close\r\nContent-Length: 2\r\n\r\nok")
    await first.answer()
    await settle()
    second = await stage.ask(_GET)
    if stage.open_connections() == 0:
        backend = await origin.accept()
    await backend.serve(_ANSWER)
    assert await second.answer() == _ANSWER


async def test_a_connection_with_something_left_in_its_socket_serves_nobody_else(
    stage: Stage, origin: Origin
) -> None:
    """One read does not take more than 256,000 bytes; an answer may end just there."""
    size = 300_000
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.head()
    (door,) = stage.gateway.doors
    upstream = door._queue[0].connection
    assert isinstance(upstream, UpstreamConnection)
    upstream.hold_answer()
    await backend.send(_EVIL)
    answer = _OK + b"Content-Length: %d\r\n\r\n" % size + bytes(size)
    upstream.data_received(answer)
    assert await customer.read(len(answer)) == answer
    await until(lambda: stage.open_connections() == 0)
