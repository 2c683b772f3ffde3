"""Fields behind a chunked body cross like those before it, save those that frame or route."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.inabilities import INABILITIES
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.servers import Door
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import Ended, settle

_GET = b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: TE\r\nTE: trailers\r\n\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_LAST_CHUNK = b"5\r\nhello\r\n0\r\n"


@dataclass(frozen=True, slots=True)
class Trailers:
    """Trailer fields as sent and as passed on."""

    id: str
    sent: bytes
    passed: bytes


TRAILERS = [
    Trailers("one", b"X-Sum: 1\r\n", b"X-Sum: 1\r\n"),
    Trailers(
        "order-duplicates-and-case",
        b"x-A: 1\r\nX-b: 2\r\nX-a:  3\t\r\nServer-Timing: db;dur=1\r\n",
        b"x-A: 1\r\nX-b: 2\r\nX-a: 3\r\nServer-Timing: db;dur=1\r\n",
    ),
    Trailers("bytes-beyond-ascii", b"X-City: S\xc3\xa3o\xff\r\n", b"X-City: S\xc3\xa3o\xff\r\n"),
]
DROPPED = [
    Trailers("none", b"", b""),
    Trailers("routing", b"Host: evil\r\n", b""),
    Trailers(
        "of-one-connection",
        b"Connection: x\r\nKeep-Alive: a\r\nTE: a\r\nTrailer: a\r\nUpgrade: a\r\n"
        b"Proxy-Connection: a\r\nProxy-Authorization: a\r\n",
        b"",
    ),
]
MIXED = [
    Trailers(
        "some-among-others",
        b"X-A: 1\r\nKeep-Alive: 5\r\nHost: evil\r\nConnection: x-b\r\nX-C: 3\r\n",
        b"X-A: 1\r\nX-C: 3\r\n",
    ),
]
_ALL = [pytest.param(each, id=each.id) for each in [*DROPPED, *TRAILERS, *MIXED]]
_CUSTOMERS = b"X-Forwarded-For: 6.6.6.6\r\nX-Figueira-Pin: new\r\nProxy: http://evil\r\n"


@pytest.mark.parametrize("trailers", _ALL)
async def test_trailers_of_a_request_reach_the_backend(
    stage: Stage, origin: Origin, trailers: Trailers
) -> None:
    customer = await stage.ask(_POST + _LAST_CHUNK + trailers.sent + b"\r\n")
    backend = await origin.accept()
    await backend.head()
    assert await backend.body() == _LAST_CHUNK + trailers.passed + b"\r\n"
    await backend.send(_ANSWER)
    assert await customer.read(len(_ANSWER)) == _ANSWER
    # Both connections have been left in order.
    await customer.send(_GET)
    await backend.serve(_ANSWER)


@pytest.mark.parametrize("trailers", _ALL)
async def test_trailers_of_an_answer_reach_the_customer(
    stage: Stage, origin: Origin, trailers: Trailers
) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.read_until(b"\r\n\r\n")
    await backend.send(_OK + _LAST_CHUNK + trailers.sent + b"\r\n")
    assert await customer.answer() == _OK + _LAST_CHUNK + trailers.passed + b"\r\n"
    await customer.send(_GET)
    await backend.read_until(b"\r\n\r\n")
    await backend.send(_ANSWER)
    assert await customer.read(len(_ANSWER)) == _ANSWER
    assert stage.open_connections() == 1


async def test_what_is_not_believed_in_a_head_is_not_believed_in_a_trailer(
    stage: Stage, origin: Origin
) -> None:
    await stage.ask(_POST + _LAST_CHUNK + _CUSTOMERS + b"\r\n")
    backend = await origin.accept()
    await backend.head()
    assert await backend.body() == _LAST_CHUNK + b"\r\n"


async def test_a_customer_of_http_1_0_gets_no_trailers(stage: Stage, origin: Origin) -> None:
    customer = await stage.ask(b"GET / HTTP/1.0\r\nHost: shop\r\n\r\n")
    await (await origin.accept()).serve(_OK + _LAST_CHUNK + b"X-Sum: 1\r\n\r\n")
    ended = await customer.read_to_end()
    assert ended == Ended(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", was_reset=False)


@pytest.mark.parametrize("direction", ["request", "answer"])
@pytest.mark.parametrize(
    "trailers",
    [b"X: y\r\n z\r\n", b"X : y\r\n", b"X\r\n", b"X: a\x00b\r\n", b"X: y\nZ: z\r\n", b"\n"],
    ids=["folded", "space-before-colon", "no-colon", "nul", "bare-lf", "bare-lf-at-the-end"],
)
async def test_malformed_trailers_never_complete_a_message(
    stage: Stage, origin: Origin, direction: str, trailers: bytes
) -> None:
    customer = await stage.ask(_POST + b"5\r\nhello\r\n" if direction == "request" else _GET)
    backend = await origin.accept()
    await backend.read_until(b"\r\n\r\n")
    if direction == "request":
        await backend.read_until(b"hello\r\n")
        await customer.send(b"0\r\n" + trailers + b"\r\n")
        assert (await backend.read_to_end()).data == b""
        assert (await customer.read_to_end()).data.startswith(b"HTTP/1.1 400 ")
    else:
        await backend.send(_OK + b"5\r\nhello\r\n")
        await customer.read_until(b"hello\r\n")
        await backend.send(b"0\r\n" + trailers + b"\r\n")
        assert await customer.read_to_end() == Ended(b"", was_reset=True)


_FRAMING = [
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: x\r\n",
]


@pytest.mark.parametrize("trailers", _FRAMING, ids=bytes.decode)
async def test_a_framing_field_in_a_trailer_of_a_request_is_refused_or_dropped(
    stage: Stage, origin: Origin, trailers: bytes
) -> None:
    customer = await stage.ask(_POST + _LAST_CHUNK + trailers + b"\r\n")
    await settle()
    if (backend := origin.accept_now()) is None:
        assert (await customer.read_to_end()).data.startswith(b"HTTP/1.1 400 ")
    else:
        await backend.head()
        assert await backend.body() == _LAST_CHUNK + b"\r\n"


@pytest.mark.parametrize("trailers", _FRAMING, ids=bytes.decode)
async def test_a_framing_field_in_a_trailer_of_an_answer_is_refused_or_dropped(
    stage: Stage, origin: Origin, trailers: bytes
) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.read_until(b"\r\n\r\n")
    await backend.send(_OK + _LAST_CHUNK + trailers + b"\r\n")
    await customer.look_until(lambda: customer.is_answered)
    if not (customer.was_cut or customer.came.startswith(b"HTTP/1.1 502 ")):
        assert customer.came == _OK + _LAST_CHUNK + b"\r\n"


@pytest.mark.parametrize(
    "trailers",
    [b"Connection: close\r\n", b"Proxy-Connection: close\r\n", b"Transfer-Encoding: x\r\n"],
    ids=bytes.decode,
)
async def test_no_trailer_spoils_the_answer_of_the_next_customer(
    stage: Stage, origin: Origin, trailers: bytes
) -> None:
    first = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.read_until(b"\r\n\r\n")
    await backend.send(_OK + _LAST_CHUNK + trailers + b"\r\n")
    await first.answer()
    await settle()
    second = await stage.ask(_GET)
    if stage.open_connections() == 0:
        backend = await origin.accept()
    await backend.read_until(b"\r\n\r\n")
    await backend.send(_ANSWER)
    assert await second.answer() == _ANSWER


_DROPPING = next(each for each in INABILITIES if each.what == "Trailers").shown_by


@pytest.mark.parametrize("door", _DROPPING, ids=str)
async def test_a_door_that_drops_trailers_drops_them(
    door: Door, open_stage: OpenStage, origin: Origin
) -> None:
    """Should it pass them on one day, this fails, and the table of inabilities must not say so."""
    stage = await open_stage(door)
    customer = await stage.ask(_POST + _LAST_CHUNK + b"X-Sum: 1\r\n\r\n")
    backend = await origin.accept()
    await backend.head()
    await backend.body()
    await backend.send(_OK + _LAST_CHUNK + b"X-Sum: 1\r\n\r\n")
    await customer.answer()
    assert (backend.requests[0].trailers, customer.answers[0].trailers) == ([], [])
