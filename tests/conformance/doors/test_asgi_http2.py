"""Requests of HTTP/2 behind an ASGI server: their bodies have no framing to be passed on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.proxy import asgi
from gateway.proxy.asgi import AsgiDoor
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage

Event = dict[str, Any]
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def _request(body: bytes = b"", *, more: bool = False) -> Event:
    return {"type": "http.request", "body": body, "more_body": more}


async def _serve(
    stage: Stage,
    method: str,
    lines: list[tuple[bytes, bytes]],
    *told: Event,
    address: str = "127.0.0.1",
) -> None:
    """Let the door serve a request whose server says `told`, and then nothing more."""
    scope = {
        "type": "http",
        "http_version": "2",
        "client": (address, 9),
        "method": method,
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"host", b"shop"), *lines],
    }
    events: asyncio.Queue[Event] = asyncio.Queue()
    for event in told:
        events.put_nowait(event)

    async def send(_: Any) -> None:
        """Take an event of the answer."""

    await AsgiDoor(is_http1=False).serve(stage.gateway, scope, events.get, send)


@pytest.mark.parametrize(
    ("method", "told", "framing", "body"),
    [
        pytest.param("GET", [_request()], [], b"", id="no body"),
        pytest.param("POST", [_request()], [b"content-length: 0"], b"", id="POST without a body"),
        pytest.param("POST", [_request(b"hi")], [b"content-length: 2"], b"hi", id="whole"),
        pytest.param(
            "POST",
            [_request(b"hi", more=True), _request(b"ho")],
            [b"transfer-encoding: chunked"],
            b"4\r\nhiho\r\n0\r\n\r\n",
            id="in pieces",
        ),
    ],
)
async def test_a_body_is_framed_by_what_is_known_of_it(
    stage: Stage,
    origin: Origin,
    method: str,
    told: Sequence[Event],
    *,
    framing: list[bytes],
    body: bytes,
) -> None:
    """A GET without a body has no framing: it can be repeated."""
    serving = asyncio.ensure_future(_serve(stage, method, [], *told))  # noqa: TID251 - a test's own
    backend = await origin.accept()
    head = await backend.head()
    lines = [line.lower() for line in head.split(b"\r\n")]
    found = [line for line in lines if line.startswith((b"content-length", b"transfer-"))]
    assert found == framing
    if body:
        assert await backend.body() == body
    await backend.send(_ANSWER)
    await serving


async def test_a_length_that_is_said_is_passed_on(stage: Stage, origin: Origin) -> None:
    lines = [(b"content-length", b"2")]
    told = (_request(b"h", more=True), _request(b"i"))
    serving = asyncio.ensure_future(_serve(stage, "POST", lines, *told))  # noqa: TID251 - a test's own
    backend = await origin.accept()
    assert b"content-length: 2" in (await backend.head()).lower()
    assert await backend.body() == b"hi"
    await backend.send(_ANSWER)
    await serving


async def test_a_customer_who_waits_for_the_answer_first_is_not_waited_for(
    stage: Stage, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those do who talk both ways at once."""
    monkeypatch.setattr(asgi, "_FIRST_PIECE_S", 0.01)
    serving = asyncio.ensure_future(_serve(stage, "POST", []))  # noqa: TID251 - a test's own
    backend = await origin.accept()
    assert b"transfer-encoding: chunked" in (await backend.head()).lower()
    serving.cancel()
    await asyncio.wait([serving])


async def test_a_customer_who_has_left_already_is_not_asked_for(
    stage: Stage, origin: Origin
) -> None:
    await _serve(stage, "POST", [], {"type": "http.disconnect"})
    assert origin.is_untouched()


@pytest.mark.parametrize(
    ("address", "client"),
    [("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::1"), ("unix:", "unix:")],
)
async def test_a_customer_has_one_address_whatever_the_server_listens_to(
    stage: Stage, origin: Origin, address: str, client: str
) -> None:
    """It may decide on the side, which `figueira explain` has to find as well."""
    origin.close()
    await _serve(stage, "GET", [], _request(), address=address)
    assert stage.line()["client"] == client


@pytest.mark.parametrize("method", ["", "GET /admin?x", "GET\t", "GET:", "G\xc9T", "GET\r\nX: y"])
async def test_a_method_that_could_be_read_as_more_is_refused(
    stage: Stage, origin: Origin, method: str
) -> None:
    """No request line says where it would end; of an HTTP/2 one, servers let a space pass."""
    await _serve(stage, method, [], _request())
    assert stage.line()["status"] == 400
    assert origin.is_untouched()
