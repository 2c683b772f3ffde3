"""What backends do wrong: the customer hears of it honestly, and nobody else is touched."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum

import pytest

from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.origin import Backend, Origin
from tests.conformance.doors.servers import ASGI_DOORS, DIRECT, DOORS, Door
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import settle
from tests.support.strict.grammar import ViolationError

_GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nhi"
_OK = b"HTTP/1.1 200 OK\r\n"
_ANSWER = _OK + b"Content-Length: 2\r\n\r\nok"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"


class Ending(Enum):
    """What the backend does behind its bytes."""

    STAY = "stay"
    FINISH = "finish"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Fault:
    """A backend's unusable answer, before its head could be passed on: 502."""

    id: str
    answered: bytes
    ending: Ending = Ending.STAY
    cause: str = "protocol"


def _head(name: str, fields: bytes) -> Fault:
    return Fault(name, _OK + fields + b"\r\nhello")


FAULTS = [
    Fault("ends-without-a-word", b"", Ending.FINISH, "closed"),
    Fault("resets-without-a-word", b"", Ending.RESET, "closed"),
    Fault("ends-within-the-status-line", b"HTTP/1.1 20", Ending.FINISH, "closed"),
    Fault("ends-within-the-head", _OK + b"Content-Le", Ending.FINISH, "closed"),
    Fault("resets-within-the-head", _OK + b"Content-Le", Ending.RESET, "closed"),
    Fault("ends-behind-an-interim-answer", b"HTTP/1.1 102 P\r\n\r\n", Ending.FINISH, "closed"),
    Fault("not-http", b"SSH-2.0-OpenSSH_9.6\r\n"),
    Fault("lower-case-version", b"http/1.1 200 OK\r\n\r\n"),
    Fault("http-2-status-line", b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    Fault("http-0-9-status-line", b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n"),
    Fault("http-1-2-status-line", b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n"),
    Fault("no-status", b"HTTP/1.1 OK\r\n\r\n"),
    Fault("status-99999", b"HTTP/1.1 99999 Large\r\n\r\n"),
    Fault("status-99", b"HTTP/1.1 99 Small\r\n\r\n"),
    Fault("status-000", b"HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n"),
    Fault("status-600", b"HTTP/1.1 600 Large\r\nContent-Length: 0\r\n\r\n"),
    Fault("negative-status", b"HTTP/1.1 -200 OK\r\n\r\n"),
    Fault("nul-in-the-reason", b"HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n"),
    Fault("bare-cr-in-the-reason", b"HTTP/1.1 200 O\rSet-Cookie: a=b\r\n\r\n"),
    Fault("bare-lf-behind-the-status-line", b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"),
    Fault("switches-unasked", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    Fault(
        "switches-unasked-by-the-book",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello",
    ),
    Fault(
        "body-behind-an-interim-answer", b"HTTP/1.1 103 E\r\nTransfer-Encoding: chunked\r\n\r\n5"
    ),
    _head("negative-length", b"Content-Length: -1\r\n"),
    _head("two-lengths", b"Content-Length: 5\r\nContent-Length: 6\r\n"),
    _head("the-same-length-twice", b"Content-Length: 5\r\nContent-Length: 5\r\n"),
    _head("list-of-lengths", b"Content-Length: 5, 5\r\n"),
    _head("empty-length", b"Content-Length:\r\n"),
    _head("length-beyond-63-bits", b"Content-Length: 9999999999999999999\r\n"),
    _head("length-and-chunked", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    _head("gzip", b"Transfer-Encoding: gzip\r\n"),
    _head("gzip-chunked", b"Transfer-Encoding: gzip, chunked\r\n"),
    _head("chunked-in-two-lines", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    Fault("chunked-in-http-1-0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    _head("folded-line", b"X: a\r\n b\r\nContent-Length: 5\r\n"),
    _head("space-before-the-colon", b"Content-Length : 5\r\n"),
    _head("bare-lf-behind-a-field", b"X: a\nContent-Length: 5\r\n"),
    _head("bare-cr-in-a-value", b"X: a\rb\r\nContent-Length: 5\r\n"),
    _head("nul-in-a-value", b"X: a\x00b\r\nContent-Length: 5\r\n"),
    _head("no-colon", b"X\r\nContent-Length: 5\r\n"),
    _head("too-many-fields", b"X: y\r\n" * 257 + b"Content-Length: 5\r\n"),
    _head("head-too-large", b"X: " + b"y" * 70_000 + b"\r\nContent-Length: 5\r\n"),
    _head("head-far-too-large", b"X: " + b"y" * 1_000_000 + b"\r\nContent-Length: 5\r\n"),
]


async def _end(backend: Backend, ending: Ending) -> None:
    if ending is Ending.FINISH:
        backend.close()
    elif ending is Ending.RESET:
        await settle()
        backend.reset()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_an_unusable_answer_is_a_502_and_its_connection_is_dropped(
    open_stage: OpenStage, origin: Origin, door: Door, fault: Fault
) -> None:
    stage = await open_stage(door)
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.head()
    await backend.send(fault.answered)
    await _end(backend, fault.ending)
    head = await customer.read_until(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 10"):
        head = await customer.read_until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n" if door is DIRECT else b"HTTP/1.1 502 ")
    assert customer.answers[-1].options() == []
    assert json.loads(await customer.read_until(b"}\n"))["status"] == 502
    line = stage.line()
    assert (line["status"], line["error"]) == (502, f"read_head:{fault.cause}:upstream")
    assert line.get("attempts", 1) == 1
    # The customer's own connection has been left in order.
    await customer.send(_GET)
    await (await origin.accept()).serve(_ANSWER)
    again = await customer.read_until(b"\r\n\r\nok")
    assert again == _ANSWER if door is DIRECT else again.startswith(b"HTTP/1.1 200 ")


FORGIVEN = [
    *(
        Fault(f"interim-reason-with-{name}", b"HTTP/1.1 103 E%bX: y\r\n\r\n" % control)
        for name, control in (("nul", b"\x00"), ("escape", b"\x1b"), ("delete", b"\x7f"))
    ),
    *(
        Fault(f"line-end-before-the-status-line-{len(stray)}", stray + _ANSWER)
        for stray in (b"\n", b"\r\n", b"\r\r\n")
    ),
]
"""What the parser takes."""


@pytest.mark.parametrize("fault", FORGIVEN, ids=lambda fault: fault.id)
async def test_a_fault_that_the_parser_forgives_is_a_502_all_the_same(
    stage: Stage, origin: Origin, fault: Fault
) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.head()
    await backend.send(fault.answered)
    await settle()
    await customer.look()
    assert customer.came.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


@dataclass(frozen=True, slots=True)
class Cut:
    """An answer that breaks off behind its head."""

    id: str
    answered: bytes
    arrives: bytes
    ending: Ending
    cause: str = "closed"
    version: bytes = b"HTTP/1.1"


_BEGUN_CHUNKED = _CHUNKED + b"5\r\nhello\r\n"
_BEGUN = _OK + b"Content-Length: 10\r\n\r\nhello"

CUTS = [
    Cut("length-short-and-ends", _BEGUN, _BEGUN, Ending.FINISH),
    Cut("length-short-and-resets", _BEGUN, _BEGUN, Ending.RESET),
    Cut("ends-between-chunks", _BEGUN_CHUNKED, _BEGUN_CHUNKED, Ending.FINISH),
    Cut("resets-between-chunks", _BEGUN_CHUNKED, _BEGUN_CHUNKED, Ending.RESET),
    Cut(
        "ends-within-a-chunk",
        _BEGUN_CHUNKED + b"5\r\nwor",
        _CHUNKED + b"8\r\nhellowor\r\n",
        Ending.FINISH,
    ),
    Cut("ends-within-the-last-chunk", _BEGUN_CHUNKED + b"0\r\n", _BEGUN_CHUNKED, Ending.FINISH),
    Cut(
        "close-delimited-and-resets",
        _OK + b"\r\nhello",
        _BEGUN_CHUNKED,
        Ending.RESET,
    ),
    Cut(
        "to-http-1-0-where-an-end-would-look-complete",
        _BEGUN_CHUNKED,
        _OK + b"Connection: close\r\n\r\nhello",
        Ending.FINISH,
        version=b"HTTP/1.0",
    ),
    Cut(
        "close-delimited-to-http-1-0-and-resets",
        _OK + b"\r\nhello",
        _OK + b"Connection: close\r\n\r\nhello",
        Ending.RESET,
        version=b"HTTP/1.0",
    ),
]
_BROKEN_CHUNKS = {
    "junk-size": b"x\r\n",
    "size-overflow": b"FFFFFFFFFFFFFFFFF\r\n",
    "bare-lf-behind-size": b"5\nworld\r\n",
    "longer-than-its-size": b"2\r\nworld\r\n",
    "endless-extension": b"5;" + b"x" * 600_000,
    "endless-trailer": b"0\r\nX: " + b"y" * 600_000,
}


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.id)
async def test_a_truncated_answer_never_looks_complete(
    stage: Stage, origin: Origin, cut: Cut
) -> None:
    customer = await stage.ask(b"GET / %b\r\nHost: shop\r\n\r\n" % cut.version)
    backend = await origin.accept()
    await backend.head()
    await backend.send(cut.answered)
    arrived = await customer.read(len(cut.arrives))
    await _end(backend, cut.ending)
    ended = await customer.read_to_end()
    assert (arrived + ended.data, ended.was_reset) == (cut.arrives, True)
    line = stage.line()
    assert (line["status"], line["error"]) == (200, f"read_body:{cut.cause}:upstream")


@pytest.mark.parametrize(
    "cut", [cut for cut in CUTS if cut.version == b"HTTP/1.1"], ids=lambda cut: cut.id
)
@pytest.mark.parametrize("door", ASGI_DOORS, ids=str)
async def test_at_other_doors_a_truncated_answer_ends_without_its_end(
    open_stage: OpenStage, origin: Origin, door: Door, cut: Cut
) -> None:
    """In order, as their servers do it, but within the answer all the same."""
    stage = await open_stage(door)
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.head()
    await backend.send(cut.answered)
    await customer.read_until(b"hello")
    await _end(backend, cut.ending)
    with pytest.raises(ViolationError, match="an orderly end within an answer"):
        await customer.read_to_end()
    assert not customer.answers[0].is_complete


@pytest.mark.parametrize("broken", _BROKEN_CHUNKS.values(), ids=_BROKEN_CHUNKS)
async def test_an_answer_with_broken_chunks_is_cut(
    stage: Stage, origin: Origin, broken: bytes
) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.head()
    await backend.send(_BEGUN_CHUNKED)
    assert await customer.read(len(_BEGUN_CHUNKED)) == _BEGUN_CHUNKED
    await backend.send(broken)
    ended = await customer.read_to_end()
    assert ended.was_reset
    assert b"0\r\n\r\n" not in ended.data
    assert stage.line()["error"] == "read_body:protocol:upstream"


@pytest.mark.parametrize(
    "broken",
    [b"x\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"5\nworld\r\n", b"2\r\nworld\r\n", b"0\r\nX : y\r\n\r\n"],
    ids=["junk-size", "size-overflow", "bare-lf", "longer-than-its-size", "trailer"],
)
@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_a_body_that_is_broken_in_the_packet_of_its_head_is_a_502(
    open_stage: OpenStage, origin: Origin, door: Door, broken: bytes
) -> None:
    """Nothing has been passed on yet, so there is no need to cut anything."""
    stage = await open_stage(door)
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.head()
    await backend.send(_CHUNKED + broken)
    await customer.look_until(lambda: customer.is_answered)
    assert [answer.status for answer in customer.answers] == [502]


async def test_there_are_enough_faults() -> None:
    assert len(FAULTS) + len(CUTS) + len(_BROKEN_CHUNKS) >= 30
