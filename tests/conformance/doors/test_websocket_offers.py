"""An offer to switch protocols reaches the backend, and its answer reaches the customer."""

from __future__ import annotations

import pytest

from tests.conformance.doors.frames import TEXT, frame
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.upgrade import OFFER, TAKEN, fields, offered, upgraded, with_fields
from tests.conformance.doors.wire import until

_HELLO = frame(TEXT, b"hello", mask=b"mask")
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
_PAGE = b"<p>n\xc3\xa3o</p>"


async def test_the_backend_gets_the_offer_with_all_its_fields(stage: Stage, origin: Origin) -> None:
    offer = with_fields(
        OFFER,
        b"Sec-WebSocket-Protocol: chat, superchat\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        b"Origin: http://shop\r\n"
        b"Cookie: a=1; b=2\r\n",
    )
    _, _, head = await offered(stage, origin, offer)
    assert head.startswith(b"GET /chat HTTP/1.1\r\n")
    found = fields(head)
    own = {b"via", b"traceparent", b"connection", b"upgrade"}
    sent = [(n, v) for n, v in found if n not in own and not n.startswith(b"x-forwarded-")]
    assert sent == [(n, v) for n, v in fields(offer) if n not in own]
    assert [v.lower() for n, v in found if n == b"upgrade"] == [b"websocket"]
    assert [v.lower() for n, v in found if n == b"connection"] == [b"upgrade"]


async def test_the_customer_gets_the_101_with_all_its_fields(stage: Stage, origin: Origin) -> None:
    customer, backend, _ = await offered(stage, origin)
    answer = with_fields(
        TAKEN,
        b"Sec-WebSocket-Protocol: chat\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"
        b"Set-Cookie: first=1\r\n"
        b"Set-Cookie: second=2; HttpOnly\r\n",
    ).replace(b"Switching Protocols", b"As You Like It")
    await backend.send(answer)
    head = await customer.read_until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 As You Like It\r\n")
    own = {b"connection", b"upgrade"}
    kept = [(n, v) for n, v in fields(head) if n not in own]
    assert kept == [(n, v) for n, v in fields(answer) if n not in own]
    assert [v.lower() for n, v in fields(head) if n == b"upgrade"] == [b"websocket"]
    assert [v.lower() for n, v in fields(head) if n == b"connection"] == [b"upgrade"]


@pytest.mark.parametrize(
    "protocol", [b"websocket", b"WebSocket", b"irc/6.9", b"SHTTP/1.3", b"tcp", b"raw-stream"]
)
async def test_any_protocol_but_http_itself_may_be_switched_to(
    stage: Stage, origin: Origin, protocol: bytes
) -> None:
    offer = OFFER.replace(b"websocket", protocol)
    customer, backend = await upgraded(
        stage, origin, offer=offer, answer=TAKEN.replace(b"websocket", protocol)
    )
    await backend.send(b"\x00welcome\r\n")
    assert await customer.read(10) == b"\x00welcome\r\n"
    await customer.send(b"NICK f\r\n")
    assert await backend.read(8) == b"NICK f\r\n"


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (b"200 OK", b""),
        (b"301 Moved Permanently", b"Location: /other\r\n"),
        (b"302 Found", b"Location: /login\r\n"),
        (b"400 Bad Request", b"Sec-WebSocket-Version: 13, 8\r\n"),
        (b"401 Unauthorized", b'WWW-Authenticate: Basic realm="a"\r\nWWW-Authenticate: Other\r\n'),
        (b"403 No Way", b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"),
        (b"404 Not Found", b""),
        (b"426 Upgrade Required", b"Sec-WebSocket-Version: 13\r\n"),
        (b"429 Too Many Requests", b"Retry-After: 7\r\n"),
        (b"500 Internal Server Error", b""),
        (b"503 Service Unavailable", b""),
    ],
    ids=lambda value: value[:3].decode() if value[:3].isdigit() else "",
)
async def test_a_refused_offer_is_an_ordinary_answer_and_whole(
    stage: Stage, origin: Origin, status: bytes, more: bytes
) -> None:
    customer, backend, _ = await offered(stage, origin)
    head = b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n" % (status, more, len(_PAGE))
    await backend.send(head + _PAGE)
    got = await customer.read_until(b"\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert [(n, v) for n, v in fields(got) if n != b"connection"] == fields(head)
    assert await customer.read(len(_PAGE)) == _PAGE
    await until(lambda: stage.answered() == 1)
    assert stage.line()["status"] == int(status[:3])


async def test_a_refusal_in_chunks_and_one_that_ends_with_the_connection_are_whole(
    stage: Stage, origin: Origin
) -> None:
    for framing, body in (
        (b"Transfer-Encoding: chunked\r\n", b"2\r\nno\r\n0\r\n\r\n"),
        (b"Connection: close\r\n", b"no"),
    ):
        customer, backend, _ = await offered(stage, origin)
        await backend.send(b"HTTP/1.1 403 Forbidden\r\n" + framing + b"\r\n" + body)
        backend.finish()
        await customer.read_until(b"\r\n\r\n")
        assert await customer.read(12) == b"2\r\nno\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        TAKEN.replace(b"websocket", b"h2c"),
        TAKEN.replace(b"websocket", b"irc/6.9"),
        TAKEN.replace(b"Upgrade: websocket\r\n", b"Upgrade: websocket\r\nUpgrade: irc\r\n"),
        TAKEN.replace(b"1.1 101 Switching Protocols", b"1.1 102 Processing"),
    ],
    ids=["no-upgrade", "nothing", "h2c", "another", "two", "102-and-silence"],
)
async def test_an_answer_that_switches_to_something_else_is_502(
    stage: Stage, origin: Origin, answer: bytes
) -> None:
    customer, backend, _ = await offered(stage, origin)
    await backend.send(answer)
    backend.finish()
    while (status := await customer.read_until(b"\r\n")).startswith(b"HTTP/1.1 102 "):
        await customer.read_until(b"\r\n\r\n")
    assert status == b"HTTP/1.1 502 Bad Gateway\r\n"
    await until(lambda: stage.open_connections() == 0)


async def test_an_interim_answer_before_the_101_reaches_the_customer(
    stage: Stage, origin: Origin
) -> None:
    customer, backend, _ = await offered(stage, origin)
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
    await backend.send(hint + TAKEN + b"\x81\x00")
    assert await customer.read(len(hint)) == hint
    assert (await customer.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    assert await customer.read(2) == b"\x81\x00"


@pytest.mark.parametrize("size", [1, 1_000, 70_000])
async def test_bytes_in_the_packet_of_the_101_are_the_first_of_the_tunnel(
    stage: Stage, origin: Origin, size: int
) -> None:
    customer, backend, _ = await offered(stage, origin)
    greeting = frame(TEXT, b"g" * size)
    await backend.send(TAKEN + greeting)
    await customer.read_until(b"\r\n\r\n")
    # Said before it is looked for, so that a test that fails need not wait.
    await customer.send(_HELLO)
    assert await backend.read(len(_HELLO)) == _HELLO
    assert await customer.has_bytes()
    assert await customer.read(len(greeting)) == greeting
    await customer.send(_HELLO)
    assert await backend.read(len(_HELLO)) == _HELLO


async def test_a_101_that_comes_byte_by_byte_opens_the_tunnel(stage: Stage, origin: Origin) -> None:
    customer, backend, _ = await offered(stage, origin)
    for byte in TAKEN + b"\x81\x00":
        await backend.send(bytes([byte]))
    assert (await customer.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    assert await customer.read(2) == b"\x81\x00"


@pytest.mark.parametrize("cut", [0, 5], ids=["in-the-packet", "in-the-next"])
async def test_what_a_customer_sends_early_waits_for_the_101(
    stage: Stage, origin: Origin, cut: int
) -> None:
    """The backend may yet refuse: then it would read frames as a request."""
    early = frame(TEXT, b"I cannot wait", mask=b"mask")
    customer, backend, _ = await offered(stage, origin, early=early[: len(early) - cut])
    await customer.send(early[len(early) - cut :])
    assert not await backend.has_bytes()
    await backend.send(TAKEN)
    await customer.read_until(b"\r\n\r\n")
    assert await backend.read(len(early)) == early
    await backend.send(b"\x81\x00")
    assert await customer.read(2) == b"\x81\x00"


async def test_promise_2_frames_that_were_sent_early_never_reach_a_backend_that_refused(
    stage: Stage, origin: Origin
) -> None:
    """They are read as the next request, here, and are none."""
    customer, backend, _ = await offered(stage, origin, early=_HELLO)
    await backend.send(_REFUSAL)
    ended = await customer.read_to_end()
    assert ended.data.startswith(_REFUSAL + b"HTTP/1.1 501 Not Implemented\r\n")
    assert not await backend.has_bytes()
    assert origin.is_untouched()


async def test_promise_2_a_request_behind_a_refused_offer_is_a_request_like_any_other(
    stage: Stage, origin: Origin
) -> None:
    """It is decided and introduced by the gateway, and never part of what was offered."""
    request = b"GET /admin HTTP/1.1\r\nHost: shop\r\n\r\n"
    customer, backend, _ = await offered(stage, origin, early=request)
    assert not await backend.has_bytes()
    await backend.send(_REFUSAL)
    assert await customer.read(len(_REFUSAL)) == _REFUSAL
    assert await backend.head() == request


@pytest.mark.parametrize(
    "offer",
    [
        OFFER.replace(b"websocket", b"h2c").replace(
            b"keep-alive, Upgrade", b"Upgrade, HTTP2-Settings"
        ),
        OFFER.replace(b"websocket", b"h2"),
        OFFER.replace(b"websocket", b"HTTP/2.0"),
        OFFER.replace(b"websocket", b"TLS/1.0"),
        OFFER.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n"),
        OFFER.replace(b"keep-alive, Upgrade", b"keep-alive"),
        OFFER.replace(b"Upgrade: websocket\r\n", b""),
    ],
    ids=["h2c", "h2", "http-2", "tls", "http-1-0", "not-named", "nothing-offered"],
)
async def test_promise_2_an_offer_that_nobody_may_take_is_not_passed_on(
    stage: Stage, origin: Origin, offer: bytes
) -> None:
    """Behind a tunnel of HTTP/2 every rule of the gateway would be void."""
    customer, backend, head = await offered(stage, origin, offer)
    names = [name for name, _ in fields(head)]
    assert b"upgrade" not in names
    assert b"http2-settings" not in names
    await backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    got = await customer.read_until(b"\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert await customer.read(2) == b"ok"


async def test_a_101_that_was_not_offered_is_502(stage: Stage, origin: Origin) -> None:
    customer = await stage.ask(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
    await (await origin.accept()).serve(TAKEN)
    assert await customer.read_until(b"\r\n") == b"HTTP/1.1 502 Bad Gateway\r\n"


async def test_an_offer_behind_another_request_is_taken_up(stage: Stage, origin: Origin) -> None:
    """On one connection: an ordinary answer first, then the tunnel."""
    customer = await stage.ask(b"GET /page HTTP/1.1\r\nHost: shop\r\n\r\n")
    backend = await origin.accept()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    await backend.serve(answer)
    assert await customer.read(len(answer)) == answer
    await customer.send(OFFER)
    await backend.read_until(b"\r\n\r\n")
    await backend.send(TAKEN)
    assert (await customer.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    await customer.send(_HELLO)
    assert await backend.read(len(_HELLO)) == _HELLO
