"""httpx over a pool: leaving early, waiting too long, having no room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest

from gateway.routing.snapshot import Timeouts
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.wire import settle
from tests.conformance.pool.asked import ANSWER, Asked, ask, head_of
from tests.conformance.pool.conftest import NewOrigin, OpenClient

_OPEN_END = b"HTTP/1.1 200 OK\r\n\r\n"
_LONG = b"x" * (1 << 20)


@pytest.mark.parametrize("stage", ["queue", "head", "upload"])
async def test_a_cancelled_request_is_cut_at_once(
    open_client: OpenClient, origin: Origin, stage: str
) -> None:
    client = open_client(max_connections=1)
    blocking = ask(client) if stage == "queue" else None
    backend = await origin.accept() if blocking else None
    content = _endless() if stage == "upload" else None
    asked = ask(client, "POST", content=content)
    if backend is None:
        backend = await origin.accept()
        await head_of(backend)
        asked.cancel()
        await backend.read_to_end()
        return
    await head_of(backend)
    await settle()
    asked.cancel()
    await settle()
    await backend.send(ANSWER)
    assert blocking is not None
    await (await blocking.answer()).aread()
    assert not await backend.has_bytes()


async def _endless() -> AsyncIterator[bytes]:
    yield b"one"
    await asyncio.Event().wait()


@pytest.mark.parametrize("how", ["aclose", "cancel", "stop-reading"])
async def test_leaving_an_answer_early_cuts_its_connection(
    client: httpx.AsyncClient, origin: Origin, how: str
) -> None:
    asked = ask(client)
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
    response = await asked.answer()
    if how == "aclose":
        await response.aclose()
    elif how == "cancel":
        reading = asyncio.timeout(None)
        with suppress(TimeoutError):
            async with reading:
                async for _ in response.aiter_raw():
                    reading.reschedule(0)
    else:
        async with httpx.AsyncClient():
            async for _ in response.aiter_raw():
                break
        await response.aclose()
    await backend.read_to_end()
    with pytest.raises(httpx.StreamError):
        await response.aread()


async def test_a_complete_answer_leaves_its_connection_to_the_next(
    client: httpx.AsyncClient, origin: Origin
) -> None:
    """Closed without having been read, but it had arrived."""
    asked = ask(client)
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(ANSWER)
    response = await asked.answer()
    await settle()
    await response.aclose()
    again = ask(client)
    await head_of(backend)
    await backend.send(ANSWER)
    assert await (await again.answer()).aread() == b"ok"


# Time and room


async def test_a_backend_that_is_down_is_a_connect_error(
    client: httpx.AsyncClient, origin: Origin
) -> None:
    origin.close()
    with pytest.raises(httpx.ConnectError, match=r"legacy: refused at connect \(upstream\): 127"):
        await ask(client).answer()


async def test_a_backend_that_does_not_take_the_connection_in_its_time_is_a_connect_timeout(
    open_client: OpenClient, new_origin: NewOrigin
) -> None:
    full = new_origin(backlog=0)
    blocker = ask(open_client(full))
    await settle()
    client = open_client(full, timeouts=Timeouts(connect_s=0.05))
    with pytest.raises(httpx.ConnectTimeout):
        await ask(client).answer()
    blocker.cancel()


@pytest.mark.parametrize(
    "limits", [httpx.Timeout(None, read=0.05), httpx.Timeout(0.05)], ids=["read", "any"]
)
async def test_the_clients_timeouts_are_kept(
    client: httpx.AsyncClient, origin: Origin, limits: httpx.Timeout
) -> None:
    asked = ask(client, timeout=limits)
    backend = await origin.accept()
    await head_of(backend)
    with pytest.raises(httpx.ReadTimeout):
        await asked.answer()
    await backend.read_to_end()


async def test_without_timeouts_of_its_own_a_request_has_the_backends(
    open_client: OpenClient, origin: Origin
) -> None:
    client = open_client(timeouts=Timeouts(first_byte_s=0.05, idle_s=0.05))
    transport = client._transport
    asking = transport.handle_async_request(httpx.Request("GET", "http://shop/"))
    with pytest.raises(httpx.ReadTimeout):
        await asking
    (await origin.accept()).close()


async def test_an_answer_that_falls_silent_is_a_read_timeout(
    client: httpx.AsyncClient, origin: Origin
) -> None:
    asked = ask(client, timeout=httpx.Timeout(None, read=0.05))
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
    with pytest.raises(httpx.ReadTimeout):
        await (await asked.answer()).aread()
    await backend.read_to_end()


async def test_a_backend_that_does_not_read_is_a_write_timeout(
    open_client: OpenClient, new_origin: NewOrigin
) -> None:
    slow = new_origin(receive_buffer_bytes=64 * 1024)
    asked = ask(
        open_client(slow),
        "POST",
        content=b"x" * (32 << 20),
        timeout=httpx.Timeout(None, write=0.05),
    )
    backend = await slow.accept()
    with pytest.raises(httpx.WriteTimeout):
        await asked.answer()
    await backend.read_to_end()


@pytest.mark.parametrize("max_waiting", [0, 1], ids=["no-queue", "in-the-queue"])
async def test_no_room_in_the_pool_is_a_pool_timeout(
    open_client: OpenClient, origin: Origin, max_waiting: int
) -> None:
    client = open_client(max_connections=1, max_waiting=max_waiting)
    first = ask(client)
    backend = await origin.accept()
    await head_of(backend)
    with pytest.raises(httpx.PoolTimeout):
        await ask(client, timeout=0.03).answer()
    await backend.send(ANSWER)
    await (await first.answer()).aread()


@pytest.mark.parametrize(
    ("headers", "method"),
    [
        ([("Host", "s"), ("Host", "s")], "GET"),
        ([("Host", "s"), ("X", "a\r\nY: b")], "GET"),
        ([("Host", "s"), ("X Y", "a")], "GET"),
        ([("Host", "s"), ("Content-Length", "5"), ("Transfer-Encoding", "chunked")], "POST"),
        ([("Host", "s"), ("Content-Length", "5"), ("Content-Length", "5")], "POST"),
        ([("Host", "s"), ("Content-Length", "+5")], "POST"),
        ([("Host", "s"), ("Transfer-Encoding", "gzip, chunked")], "POST"),
        ([("Host", "s")], "GET /x HTTP/1.1\r\nX:"),
        ([("Host", "s")], "CONNECT"),
    ],
)
async def test_what_two_readers_could_read_in_two_ways_is_not_sent(
    client: httpx.AsyncClient, origin: Origin, headers: list[tuple[str, str]], method: str
) -> None:
    request = httpx.Request(
        method, "http://shop/", headers=headers, stream=httpx.ByteStream(b"hello")
    )
    with pytest.raises(httpx.LocalProtocolError):
        await Asked(client, request).answer()
    await settle()
    assert origin.is_untouched()


@pytest.mark.parametrize(
    "headers",
    [{"Content-Length": "4"}, {"Content-Length": "6"}, {}],
    ids=["longer", "shorter", "unframed"],
)
async def test_a_body_that_is_not_as_long_as_its_head_says_is_not_sent(
    client: httpx.AsyncClient, origin: Origin, headers: dict[str, str]
) -> None:
    body = httpx.ByteStream(b"hello")
    request = httpx.Request("POST", "http://shop/", headers={"Host": "s", **headers}, stream=body)
    with pytest.raises(httpx.LocalProtocolError, match="than its Content-Length"):
        await Asked(client, request).answer()
    assert (await (await origin.accept()).read_to_end()).data == b""
