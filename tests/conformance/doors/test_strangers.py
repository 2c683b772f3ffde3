"""Nothing that one customer says or gets reaches another, or leads anywhere but to the backend."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.doors.conftest import NewOrigin, OpenStage
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.servers import DIRECT, DOORS, Door
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import PATIENCE_S, settle

_GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_COOKIES = _ANSWER.replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=1\r\nset-cookie: b=2\r\n\r\n")


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_a_cookie_set_for_one_customer_is_never_sent_for_another(
    door: Door, open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(door)
    first = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.serve(_COOKIES)
    await first.answer()
    assert first.answers[0].values(b"set-cookie") == [b"session=1", b"b=2"]
    for again in (first, await stage.customer()):
        await again.send(_GET)
        await backend.head()
        assert backend.requests[-1].values(b"cookie") == []
        await backend.send(_ANSWER)
        await again.answer()
        assert again.answers[-1].values(b"set-cookie") == []


_ELSEWHERE = {
    "two-slashes": b"GET //127.0.0.1:%d/x HTTP/1.1\r\nHost: shop\r\n\r\n",
    "absolute-form": b"GET http://127.0.0.1:%d/x HTTP/1.1\r\nHost: shop\r\n\r\n",
    "host": b"GET /x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
    "forwarded-host": b"GET /x HTTP/1.1\r\nHost: shop\r\nX-Forwarded-Host: 127.0.0.1:%d\r\n\r\n",
    "url-in-the-path": b"GET /http://127.0.0.1:%d/x HTTP/1.1\r\nHost: shop\r\n\r\n",
    "userinfo": b"GET /@127.0.0.1:%d/x HTTP/1.1\r\nHost: shop\r\n\r\n",
}


@pytest.mark.parametrize("request_", _ELSEWHERE.values(), ids=_ELSEWHERE)
@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_no_request_leads_to_a_server_that_the_customer_names(
    door: Door, request_: bytes, open_stage: OpenStage, new_origin: NewOrigin, origin: Origin
) -> None:
    stage = await open_stage(door)
    elsewhere = new_origin()
    customer = await stage.ask(request_ % elsewhere.port)
    async with asyncio.timeout(PATIENCE_S):
        while not (customer.is_answered or customer.has_ended):
            if (backend := origin.accept_now()) is not None:
                await backend.serve(_ANSWER)
            await customer.look()
    assert elsewhere.is_untouched()
    if door is DIRECT:
        assert customer.came == _ANSWER


async def test_300_slow_uploads_let_others_through(open_stage: OpenStage, origin: Origin) -> None:
    """However many there are, half of the connections are not for them."""
    stage = await open_stage(max_connections=20)
    for _ in range(300):
        await stage.ask(b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 10\r\n\r\nx")
        await settle()
    for _ in range(10):
        await (await origin.accept()).head()
    customer = await stage.ask(_GET)
    await (await origin.accept()).serve(_ANSWER)
    assert await customer.answer() == _ANSWER


async def test_an_upload_that_waits_for_its_place_goes_on_when_it_is_whole(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(max_connections=2)
    head = b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 10\r\n\r\n"
    await stage.ask(head + b"x")
    await (await origin.accept()).head()
    customer = await stage.ask(head + b"12345")
    await settle()
    assert origin.is_untouched()
    await customer.send(b"67890")
    backend = await origin.accept()
    await backend.read_until(b"1234567890")
    await backend.send(_ANSWER)
    assert await customer.answer() == _ANSWER


async def test_uploads_that_drip_are_ended_where_others_wait_for_them(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(max_connections=2)
    head = b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 100000\r\n\r\n"
    drips = await stage.ask(head + b"x")
    await (await origin.accept()).head()
    for _ in range(3):
        stage.pass_time(12.0)
        await drips.send(b"x")
        await settle()
    assert (await drips.read_until(b"\r\n")) == b"HTTP/1.1 408 Request Timeout\r\n"


async def test_what_a_backend_says_of_itself_is_not_added_to(stage: Stage, origin: Origin) -> None:
    """No second Date or Server, no Via: customers must not be able to tell."""
    customer = await stage.ask(_GET)
    await (await origin.accept()).serve(
        _ANSWER.replace(
            b"\r\n\r\n", b"\r\nDate: Mon, 23 Nov 2026 03:00:00 GMT\r\nServer: a\r\n\r\n"
        )
    )
    await customer.answer()
    names = [name for name, _ in customer.answers[0].fields]
    assert names == [b"Content-Length", b"Date", b"Server"]
