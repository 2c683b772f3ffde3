"""httpx over a pool: requests and answers cross as they are, and every failure has its kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from gateway.proxy.spawn import spawn
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.wire import settle, until
from tests.conformance.pool.asked import ANSWER, Asked, ask, head_of
from tests.conformance.pool.conftest import NewOrigin, OpenClient

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_OPEN_END = b"HTTP/1.1 200 OK\r\n\r\n"
_LONG = b"x" * (1 << 20)


async def test_a_request_crosses_as_it_is(client: httpx.AsyncClient, origin: Origin) -> None:
    """Order, case, duplicates and the target's bytes; nothing is added."""
    headers = [
        (b"Host", b"shop.example"),
        (b"x-Twice", b"1"),
        (b"Accept", b"*/*"),
        (b"X-Twice", b"caf\xe9"),
        (b"Cookie", b"a=1"),
    ]
    request = httpx.Request(
        "GET", "http://ignored:1", headers=headers, extensions={"target": b"/a//../%2f?q=%26"}
    )
    asked = Asked(client, request)
    backend = await origin.accept()
    assert await head_of(backend) == (
        b"GET /a//../%2f?q=%26 HTTP/1.1\r\nHost: shop.example\r\nx-Twice: 1\r\nAccept: */*\r\n"
        b"X-Twice: caf\xe9\r\nCookie: a=1\r\n\r\n"
    )
    await backend.send(ANSWER)
    assert await (await asked.answer()).aread() == b"ok"


async def test_an_answer_crosses_as_it_is(client: httpx.AsyncClient, origin: Origin) -> None:
    asked = ask(client)
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(
        b"HTTP/1.1 418 Sou um bule\r\nSet-Cookie: a=1\r\nx-Odd: caf\xe9\r\nSet-Cookie: b=2\r\n"
        b"Content-Length: 2\r\n\r\nhi"
    )
    response = await asked.answer()
    assert await response.aread() == b"hi"
    assert (response.status_code, response.reason_phrase) == (418, "Sou um bule")
    assert response.http_version == "HTTP/1.1"
    assert response.headers.raw == [
        (b"Set-Cookie", b"a=1"),
        (b"x-Odd", b"caf\xe9"),
        (b"Set-Cookie", b"b=2"),
        (b"Content-Length", b"2"),
    ]


@pytest.mark.parametrize(
    ("method", "answer", "body"),
    [
        (
            "GET",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"ok",
        ),
        ("GET", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ANSWER, b"ok"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b""),
        ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        ("GET", b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
    ],
    ids=["chunked", "behind-early-hints", "head", "no-content", "not-modified"],
)
async def test_the_connection_serves_again_whatever_the_answer_was_framed_by(
    client: httpx.AsyncClient, origin: Origin, method: str, answer: bytes, body: bytes
) -> None:
    backend = None
    for _ in range(2):
        asked = ask(client, method)
        backend = backend or await origin.accept()
        await head_of(backend)
        await backend.send(answer)
        response = await asked.answer()
        assert await response.aread() == body
    assert origin.is_untouched()


async def test_a_backend_that_never_comes_to_its_answer_is_cut(
    client: httpx.AsyncClient, origin: Origin
) -> None:
    """Some interim answers are dropped; a flood of them is no answer."""
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    asked = ask(client)
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(hint * 1000 + ANSWER)
    assert await (await asked.answer()).aread() == b"ok"
    asked = ask(client)
    await head_of(backend)
    await backend.send(hint * 1001)
    with pytest.raises(httpx.RemoteProtocolError, match="interim"):
        await asked.answer()


async def _pieces() -> AsyncIterator[bytes]:
    yield b"hel"
    yield b""
    yield b"lo"


@pytest.mark.parametrize(
    ("content", "framed"),
    [
        (b"hello", b"Content-Length: 5\r\n\r\nhello"),
        (b"", b"\r\n"),
        (_pieces, b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
    ],
    ids=["bytes", "nothing", "stream"],
)
async def test_a_body_is_framed_as_its_head_says(
    client: httpx.AsyncClient,
    origin: Origin,
    content: bytes | Callable[[], AsyncIterator[bytes]],
    framed: bytes,
) -> None:
    body = content if isinstance(content, bytes) else content()
    asked = ask(client, "POST", content=body, headers={"Connection": "x"})
    backend = await origin.accept()
    head = await backend.read_until(b"Connection: x\r\n")
    assert head.startswith(b"POST / HTTP/1.1\r\nHost: shop\r\n")
    assert await backend.read(len(framed)) == framed
    assert not await backend.has_bytes()
    await backend.send(ANSWER)
    assert await (await asked.answer()).aread() == b"ok"


async def test_a_long_upload_waits_for_its_backend_and_arrives_whole(
    open_client: OpenClient, new_origin: NewOrigin
) -> None:
    slow = new_origin(receive_buffer_bytes=64 * 1024)
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(64):
            taken += 1
            yield _LONG

    asked = ask(
        open_client(slow), "POST", content=body(), headers={"Content-Length": str(64 << 20)}
    )
    backend = await slow.accept()
    await head_of(backend)
    await settle()
    assert taken < 32
    await backend.count_to(64 << 20)
    await backend.send(ANSWER)
    assert await (await asked.answer()).aread() == b"ok"


async def test_an_answer_that_nobody_reads_waits_in_its_backend(
    client: httpx.AsyncClient, origin: Origin
) -> None:
    asked = ask(client)
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 << 20))
    sent = await backend.send_while_taken(_LONG, 64 << 20)
    assert sent < 32 << 20
    response = await asked.answer()
    feeding = spawn(backend.send(bytes((64 << 20) - sent)), "feed")
    assert sum([len(piece) async for piece in response.aiter_raw()]) == 64 << 20
    await feeding.ended()


async def test_an_answer_may_come_before_the_request_is_complete(
    client: httpx.AsyncClient, origin: Origin
) -> None:
    """Both go on: what the backend echoes is read while more is sent."""
    more = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        await more.wait()
        yield b"two"

    asked = ask(client, "POST", content=body())
    backend = await origin.accept()
    await backend.read_until(b"3\r\none\r\n")
    await backend.send(_CHUNKED + b"3\r\none\r\n")
    pieces = (await asked.answer()).aiter_raw()
    assert await anext(pieces) == b"one"
    more.set()
    await backend.read_until(b"3\r\ntwo\r\n0\r\n\r\n")
    await backend.send(b"3\r\ntwo\r\n0\r\n\r\n")
    assert [piece async for piece in pieces] == [b"two"]


async def test_an_early_refusal_ends_the_upload_and_its_connection(
    client: httpx.AsyncClient, origin: Origin
) -> None:
    is_left = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        try:
            yield b"one"
            await asyncio.Event().wait()
        finally:
            is_left.set()

    asked = ask(client, "POST", content=body())
    backend = await origin.accept()
    await backend.read_until(b"3\r\none\r\n")
    await backend.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
    response = await asked.answer()
    assert (response.status_code, await response.aread()) == (413, b"no")
    await until(is_left.is_set)
    await backend.read_to_end()


async def test_a_body_that_fails_to_come_is_its_callers_fault_and_never_looks_complete(
    client: httpx.AsyncClient, origin: Origin
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        raise ZeroDivisionError

    asked = ask(client, "POST", content=body())
    backend = await origin.accept()
    with pytest.raises(ZeroDivisionError):
        await asked.answer()
    assert not (await backend.read_to_end()).data.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200", b"junk\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
    ids=["nothing", "half-a-head", "junk", "bad-length"],
)
async def test_no_answer_is_a_fault_of_the_backends(
    client: httpx.AsyncClient, origin: Origin, sent: bytes
) -> None:
    asked = ask(client)
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(sent)
    backend.close()
    with pytest.raises(httpx.RemoteProtocolError):
        await asked.answer()


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_an_answer_that_breaks_off_never_looks_complete(
    client: httpx.AsyncClient, origin: Origin, how: str
) -> None:
    """What had come of it is given out before."""
    asked = ask(client)
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
    pieces = (await asked.answer()).aiter_raw()
    assert await anext(pieces) == b"hello"
    getattr(backend, how)()
    with pytest.raises(httpx.RemoteProtocolError):
        await anext(pieces)


async def test_an_answer_may_end_with_its_connection(
    client: httpx.AsyncClient, origin: Origin
) -> None:
    asked = ask(client)
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(_OPEN_END + b"all")
    backend.close()
    assert await (await asked.answer()).aread() == b"all"


async def test_nothing_is_repeated(client: httpx.AsyncClient, origin: Origin) -> None:
    """Not even a GET on a connection that had gone stale."""
    asked = ask(client)
    first = await origin.accept()
    await head_of(first)
    await first.send(ANSWER)
    await (await asked.answer()).aread()
    asked = ask(client)
    await head_of(first)
    first.close()
    with pytest.raises(httpx.RemoteProtocolError):
        await asked.answer()
    assert origin.is_untouched()


async def test_no_cookie_is_kept_by_the_transport(
    client: httpx.AsyncClient, origin: Origin
) -> None:
    transport = client._transport
    request = httpx.Request("GET", "http://shop/")
    for _ in range(2):
        asking = asyncio.gather(transport.handle_async_request(request), _serve_with_cookie(origin))
        response, head = await asking
        assert b"ookie" not in head
        await response.aread()


async def _serve_with_cookie(origin: Origin) -> bytes:
    backend = await origin.accept()
    head = await head_of(backend)
    await backend.send(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )
    return head
