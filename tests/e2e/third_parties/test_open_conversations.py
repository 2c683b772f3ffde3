"""What becomes of a WebSocket that is open while the gateway is operated."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from anyio import to_thread
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from tests.e2e.third_parties.conftest import routes_to
from tests.support.figueira import Figueira, serving
from tests.support.routes_file import RoutesFile

pytestmark = pytest.mark.e2e

_PATIENCE_S = 20
_DRAIN_S = 2.0


async def _still_talks(connection: ClientConnection) -> bool:
    async with asyncio.timeout(_PATIENCE_S):
        await connection.send("still there?")
        return await connection.recv() == "still there?"


def _open(figueira: Figueira) -> connect:
    # The library must not close what it does not hear from: only the gateway is looked at.
    url = f"{figueira.url.replace('http', 'ws')}/echo"
    return connect(url, proxy=None, ping_interval=None)


async def test_promise_5_flips_and_the_death_of_control_leave_a_conversation_alone(
    chat_server: str, tmp_path: Path
) -> None:
    """Even where the new routes know its backend no more."""
    with serving(tmp_path, routes_to(chat_server)) as figueira:
        async with _open(figueira) as connection:
            elsewhere = routes_to("http://127.0.0.1:9").replace("origin", "another")
            await to_thread.run_sync(figueira.change, RoutesFile.rename_over, elsewhere)
            assert await _still_talks(connection)
            control = (await to_thread.run_sync(figueira.status))["control"]["pid"]
            figueira.kill(control)
            await to_thread.run_sync(lambda: figueira.wait_until_whole(without=[control]))
            assert await _still_talks(connection)
        assert await to_thread.run_sync(figueira.stop) == 0


async def test_a_stop_lets_a_conversation_go_on_until_its_patience_ends(
    chat_server: str, tmp_path: Path
) -> None:
    """Then it is cut, and does not look closed; the gateway ends in good order."""
    settings = {"FIGUEIRA_DRAIN_S": f"{_DRAIN_S:g}"}
    with serving(tmp_path, routes_to(chat_server), **settings) as figueira:
        async with _open(figueira) as connection:
            began_s = time.monotonic()
            stopping = asyncio.get_running_loop().run_in_executor(None, figueira.stop)
            await to_thread.run_sync(figueira.process.wait_for_line, r".* draining .*")
            assert await _still_talks(connection)
            with pytest.raises(ConnectionClosedError) as raised:
                await connection.recv()
            assert (raised.value.rcvd, raised.value.sent) == (None, None)
            assert time.monotonic() - began_s >= _DRAIN_S * 0.9
            assert await stopping == 0


async def test_a_conversation_that_a_stop_cuts_has_its_access_line(
    chat_server: str, tmp_path: Path
) -> None:
    """Like every other request that a stop gives up."""
    with serving(tmp_path, routes_to(chat_server), FIGUEIRA_DRAIN_S="0.1") as figueira:
        async with _open(figueira):
            assert await to_thread.run_sync(figueira.stop) == 0
        (line,) = figueira.access_lines()
        assert (line["status"], line["error"]) == (101, "tunnel:closed:internal")


async def test_a_stop_does_not_wait_when_the_last_conversation_has_ended(
    chat_server: str, tmp_path: Path
) -> None:
    """The patience here is a minute; the test is not that patient."""
    settings = {"FIGUEIRA_DRAIN_S": "60"}
    with serving(tmp_path, routes_to(chat_server), **settings) as figueira:
        async with _open(figueira) as connection:
            stopping = asyncio.get_running_loop().run_in_executor(None, figueira.stop)
            await to_thread.run_sync(figueira.process.wait_for_line, r".* draining .*")
            assert await _still_talks(connection)
        assert await stopping == 0


async def test_promise_3_a_worker_that_dies_is_a_lost_peer(
    chat_server: str, tmp_path: Path
) -> None:
    with serving(tmp_path, routes_to(chat_server)) as figueira:
        async with _open(figueira) as connection:
            workers = (await to_thread.run_sync(figueira.status))["workers"]
            for worker in workers:
                figueira.kill(worker["pid"])
            with pytest.raises(ConnectionClosedError) as raised:
                await connection.recv()
            assert raised.value.rcvd is None
        await to_thread.run_sync(figueira.wait_until_whole)
