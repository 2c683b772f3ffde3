"""Customers over TLS: the same door, and an answer that is cut looks cut there as well."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme
from uvicorn.config import Config

from gateway.proxy.direct import DirectConnection
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import PATIENCE_S

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"


@asynccontextmanager
async def _customer(stage: Stage) -> AsyncIterator[Ends]:
    """A customer who has connected over TLS."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    state, gateway = {"gateway": stage.gateway}, Config("none")
    listening = await asyncio.get_running_loop().create_server(
        lambda: DirectConnection(config=gateway, server_state=stage.state, app_state=state),
        "127.0.0.1",
        0,
        ssl=server,
    )
    port = listening.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield reader, writer
    finally:
        writer.transport.abort()
        listening.close()


async def test_a_backend_is_told_that_its_customer_came_over_tls(
    stage: Stage, origin: Origin
) -> None:
    async with _customer(stage) as (reader, writer):
        writer.write(_GET)
        backend = await origin.accept()
        head = await backend.read_until(b"\r\n\r\n")
        assert b"\r\nX-Forwarded-Proto: https\r\n" in head
        await backend.send(_BEGUN + b"world")
        assert await reader.readexactly(len(_BEGUN) + 5) == _BEGUN + b"world"


async def test_promise_3_an_answer_that_breaks_off_ends_without_a_farewell(
    stage: Stage, origin: Origin
) -> None:
    async with _customer(stage) as (reader, writer):
        writer.write(_GET)
        backend = await origin.accept()
        await backend.read_until(b"\r\n\r\n")
        await backend.send(_BEGUN)
        assert await reader.readexactly(len(_BEGUN)) == _BEGUN
        backend.close()
        with pytest.raises((ConnectionResetError, ssl.SSLError)):
            await reader.readexactly(1)


async def test_an_early_answer_is_read_to_its_end(stage: Stage, origin: Origin) -> None:
    """TLS cannot be half closed: the connection closes behind the answer."""
    refusal = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno"
    async with _customer(stage) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000\r\n\r\nx")
        backend = await origin.accept()
        await backend.read_until(b"\r\n\r\n")
        await backend.send(refusal)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert answer.endswith(b"\r\nConnection: close\r\n\r\nno")
