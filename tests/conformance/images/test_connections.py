"""Connections that get nowhere, at a server whose patience is short."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from image_service.connections import PatientProtocol

# Long enough for a busy machine, on which both sides stand still for a while.
_PATIENCE_S = 1.0
_MOST = 3
_LARGE = b"x" * 16 * 1024 * 1024


class _Impatient(PatientProtocol):
    patience_s = _PATIENCE_S
    look_s = 0.1
    has_lost: asyncio.Event

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.has_lost.set()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    try:
        await request.body()
    except ClientDisconnect:
        return
    if request.url.path == "/long":
        await asyncio.sleep(1.5 * _PATIENCE_S)
    await Response(_LARGE if request.url.path == "/large" else b"done")(scope, receive, send)


@pytest.fixture
async def server() -> AsyncIterator[uvicorn.Server]:
    """A server of this application."""
    config = uvicorn.Config(
        _app,
        http=_Impatient,
        ws="none",
        lifespan="off",
        log_config=None,
        limit_concurrency=_MOST,
        timeout_graceful_shutdown=1,
    )
    running = _Server(config)
    _Impatient.has_lost = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(running.serve(sockets=[listener]))
            await running.is_up.wait()
            yield running
            running.should_exit = True


class _Customer:
    """A connection, read as slowly as a test likes."""

    def __init__(self, plug: socket.socket) -> None:
        self._plug = plug

    async def send(self, content: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._plug, content)

    async def read(self, most_bytes: int = 65536) -> bytes:
        """Return what came next; nothing when the server has ended the connection."""
        try:
            return await asyncio.get_running_loop().sock_recv(self._plug, most_bytes)
        except ConnectionResetError:
            return b""


_Connect = Callable[[bytes], Awaitable[_Customer]]


@pytest.fixture
async def connect(server: uvicorn.Server) -> AsyncIterator[_Connect]:
    """Opens connections, and closes them after the test."""
    address = server.servers[0].sockets[0].getsockname()
    plugs: list[socket.socket] = []

    async def open_one(sent: bytes) -> _Customer:
        plug = socket.socket()
        plugs.append(plug)
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plug.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plug, address)
        customer = _Customer(plug)
        await customer.send(sent)
        return customer

    yield open_one
    for plug in plugs:
        plug.close()


_HEAD = b"Host: images.test\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: ima",
        b"POST / HTTP/1.1\r\n" + _HEAD + b"Content-Length: 10\r\n\r\nhalf",
    ],
    ids=["nothing", "half a head", "half a body"],
)
async def test_who_does_not_finish_a_request_is_let_go(connect: _Connect, sent: bytes) -> None:
    customer = await connect(sent)
    async with asyncio.timeout(10):
        assert await customer.read() == b""


async def test_who_does_not_take_an_answer_is_let_go(connect: _Connect) -> None:
    await connect(b"GET /large HTTP/1.1\r\n" + _HEAD + b"\r\n")
    async with asyncio.timeout(10):
        await _Impatient.has_lost.wait()


async def test_who_takes_an_answer_slowly_gets_all_of_it(connect: _Connect) -> None:
    """The kernel takes a megabyte at once, and then for long nothing."""
    customer = await connect(b"GET /large HTTP/1.1\r\n" + _HEAD + b"Connection: close\r\n\r\n")
    loop = asyncio.get_running_loop()
    slow_until = loop.time() + 3 * _PATIENCE_S
    received = 0
    while piece := await customer.read():
        received += len(piece)
        if loop.time() < slow_until:
            await asyncio.sleep(_PATIENCE_S / 10)
    assert received > len(_LARGE)


async def test_who_waits_for_us_is_not_let_go(connect: _Connect) -> None:
    customer = await connect(b"GET /long HTTP/1.1\r\n" + _HEAD + b"\r\n")
    assert (await customer.read()).startswith(b"HTTP/1.1 200 OK")


async def test_the_longest_idle_connection_makes_room_for_a_new_one(
    connect: _Connect, caplog: pytest.LogCaptureFixture
) -> None:
    busy = await connect(b"GET /long HTTP/1.1\r\n" + _HEAD + b"\r\n")
    idle = [await connect(b"GET / HTTP/1.1\r\n") for _ in range(_MOST - 1)]
    polite = await connect(b"GET / HTTP/1.1\r\n" + _HEAD + b"\r\n")
    assert (await polite.read()).startswith(b"HTTP/1.1 200 OK")
    assert await idle[0].read() == b""
    assert (await busy.read()).startswith(b"HTTP/1.1 200 OK")
    assert [each.message for each in caplog.records].count(f"connections_full most={_MOST}") == 1


async def test_a_proposal_of_another_protocol_is_passed_over_in_silence(
    connect: _Connect, caplog: pytest.LogCaptureFixture
) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with caplog.at_level(logging.WARNING):
        customer = await connect(b"GET / HTTP/1.1\r\n" + _HEAD + upgrade)
        assert (await customer.read()).startswith(b"HTTP/1.1 200 OK")
    assert caplog.records == []
