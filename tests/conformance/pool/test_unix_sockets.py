"""Backends on Unix sockets are backends like any other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.errors import Cause, UpstreamError
from gateway.routing.snapshot import Address, Backend
from tests.conformance.doors.stage import Stage, shop
from tests.conformance.pool.asked import ANSWER
from tests.conformance.pool.conftest import OpenPool
from tests.conformance.pool.errand import answer_all, run_errand

_LAST_ANSWER = ANSWER.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


async def test_a_unix_socket_is_a_backend_like_any_other(
    open_pool: OpenPool, tmp_path: Path
) -> None:
    path = tmp_path / "shop.sock"
    server = await asyncio.start_unix_server(answer_all, path)
    pool = open_pool(addresses=(Address(path=str(path)),))
    for _ in range(3):
        assert await run_errand(pool) == 200
    assert pool.open_connections == 1
    server.close()


async def test_a_unix_socket_that_is_not_there_is_no_connection(
    open_pool: OpenPool, tmp_path: Path
) -> None:
    pool = open_pool(addresses=(Address(path=f"{tmp_path}/none"),))
    with pytest.raises(UpstreamError, match=f"unix:{tmp_path}/none: .*No such file") as caught:
        await run_errand(pool)
    assert caught.value.cause is Cause.REFUSED


async def test_a_request_without_a_host_is_for_localhost_there(tmp_path: Path) -> None:
    heads: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.put_nowait(await reader.readuntil(b"\r\n\r\n"))
        writer.write(_LAST_ANSWER)
        writer.close()

    path = tmp_path / "shop.sock"
    server = await asyncio.start_unix_server(answer, path)
    stage = Stage(shop(Backend(name="legacy", addresses=(Address(path=str(path)),))))
    await stage.open()
    customer = await stage.ask(b"GET / HTTP/1.0\r\n\r\n")
    assert (await customer.read_to_end()).data.endswith(b"\r\n\r\nok")
    assert (await heads.get()).startswith(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    await stage.close()
    server.close()
