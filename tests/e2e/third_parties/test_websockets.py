"""WebSocket clients and a server of third parties tell the same story with a gateway between."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.e2e.third_parties.chat import FLOOD, MAX_BYTES, flood
from tests.e2e.third_parties.conftest import Ways
from tests.support.content import block

pytestmark = pytest.mark.e2e

_PATIENCE_S = 30
_MANY = 100
"""Conversations at once."""
_VOLATILE = frozenset({"sec-websocket-key", "sec-websocket-accept", "date", "host"})
_GATEWAYS = re.compile(r"(?i)x-forwarded-(for|host|proto)|via|traceparent")


class _Connecting(connect):
    """Follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Take it for the answer that it is."""
        return exc


Story = Callable[[str], Awaitable[list[object]]]


def _open(url: str, **how: object) -> connect:
    return connect(url, max_size=MAX_BYTES, proxy=None, **how)  # type: ignore[arg-type]  # its options


async def _with_protocol(url: str) -> list[object]:
    """Subprotocol, extensions, cookies, and what the server was sent."""
    protocols = [Subprotocol("chat"), Subprotocol("superchat")]
    headers = {"Cookie": "a=1; b=2", "X-Odd": "kept", "Authorization": "Bearer t"}
    async with _open(
        f"{url}/report",
        subprotocols=protocols,
        additional_headers=headers,
        origin="http://shop.test",
    ) as connection:
        told = json.loads(await connection.recv())
        told["headers"] = [
            [name, value.lower() if name.lower() == "connection" else value]
            for name, value in sorted(told["headers"])
            if name.lower() not in _VOLATILE and not _GATEWAYS.fullmatch(name)
        ]
        return [told, connection.subprotocol, _compressions(connection), _answer(connection)]


def _compressions(connection: ClientConnection) -> list[str]:
    return [each.name for each in connection.protocol.extensions]


def _answer(connection: ClientConnection) -> list[object]:
    response = connection.response
    assert response is not None
    headers = [pair for pair in response.headers.raw_items() if pair[0].lower() not in _VOLATILE]
    return [response.status_code, response.reason_phrase, sorted(headers)]


async def _messages(url: str) -> list[object]:
    story: list[object] = []
    async with _open(f"{url}/echo") as connection:
        for message in ("", "olá", "x" * 70_000, b"", b"\x00\xff", block(3), block(4) * 4):
            await (await connection.ping(b"\x00\xff"))
            await connection.send(message)
            story.append(await connection.recv() == message)
    return [*story, connection.close_code, connection.close_reason]


async def _plain_messages(url: str) -> list[object]:
    async with _open(f"{url}/echo", compression=None) as connection:
        await connection.send("a" * 100_000)
        return [await connection.recv() == "a" * 100_000, _compressions(connection)]


async def _fragments(url: str) -> list[object]:
    async with _open(f"{url}/letters") as connection:
        await connection.send(["um ", "barco ", "vermelho"])
        pieces = [piece async for piece in connection.recv_streaming()]
        return [pieces]


async def _pings(url: str) -> list[object]:
    async with _open(f"{url}/ping") as connection:
        return [await connection.recv()]


async def _flood(url: str) -> list[object]:
    """Read slowly at first: the server is held meanwhile."""
    async with _open(f"{url}/flood") as connection:
        wrong = [number for number in range(FLOOD) if await connection.recv() != flood(number)]
        return [wrong]


def _closed(path: str) -> Story:
    async def story(url: str) -> list[object]:
        async with _open(url + path) as connection:
            try:
                await connection.recv()
            except ConnectionClosed as error:
                return [type(error).__name__, str(error)]
            return ["a message"]

    return story


async def _lost(url: str) -> list[object]:
    async with _open(f"{url}/lost") as connection:
        first = await connection.recv()
        await connection.send("go")
        with pytest.raises(ConnectionClosed) as raised:
            await connection.recv()
        return [first, type(raised.value).__name__, str(raised.value)]


def _refused(status: int) -> Story:
    async def story(url: str) -> list[object]:
        with pytest.raises(InvalidStatus) as raised:
            await _Connecting(f"{url}/refuse/{status}", proxy=None)
        response = raised.value.response
        headers = [
            pair for pair in response.headers.raw_items() if pair[0].lower() not in {"connection"}
        ]
        return [response.status_code, response.reason_phrase, headers, response.body]

    return story


async def _aiohttp(url: str) -> list[object]:
    """Another client, with another idea of compression."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/echo", compress=12, max_msg_size=MAX_BYTES) as connection,
    ):
        await connection.send_str("olá")
        await connection.send_bytes(block(7))
        got = [await connection.receive(_PATIENCE_S), await connection.receive(_PATIENCE_S)]
        await connection.close(code=4001, message=b"enough")
        return [got[0].data, got[1].data == block(7), connection.compress, connection.close_code]


STORIES: dict[str, tuple[Story, object]] = {
    "what an offer brings": (_with_protocol, None),
    "messages": (_messages, [True] * 7 + [1000, ""]),
    "messages without compression": (_plain_messages, [True, []]),
    "fragments": (_fragments, [[*"um barco vermelho", ""]]),
    "pings": (_pings, ["pong came"]),
    "flood": (_flood, [[]]),
    "a lost server": (_lost, None),
    "aiohttp": (_aiohttp, ["olá", True, 12, 4001]),
    "close without a code": (_closed("/raw/8800"), None),
    "a frame that nobody may send": (_closed("/raw/83013f"), None),
    **{
        f"close {code}": (_closed(f"/close/{code}/porque-sim"), None)
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1013, 3000, 4999)
    },
    **{
        f"refused with {status}": (_refused(status), None)
        for status in (302, 401, 403, 404, 426, 500, 503)
    },
}
"""Each with what it must come to; None where the library's own words would only be repeated."""


@pytest.mark.parametrize(("story", "expected"), STORIES.values(), ids=STORIES)
async def test_promise_1_a_conversation_is_the_same_through_the_gateway(
    chat: Ways, story: Story, expected: object
) -> None:
    """Messages, close codes and reasons, refusals, lost peers, as both ends see them."""
    async with asyncio.timeout(_PATIENCE_S):
        direct = await story(chat.direct.replace("http", "ws"))
        through = await story(chat.gateway.replace("http", "ws"))
    assert through == direct
    assert expected in (None, direct)


async def test_a_hundred_conversations_at_once_are_each_their_own(chat: Ways) -> None:
    async def converse(number: int) -> list[str | bytes]:
        async with _open(f"{chat.gateway.replace('http', 'ws')}/echo") as connection:
            for turn in range(20):
                await connection.send(f"{number}:{turn}")
            return [await connection.recv() for _ in range(20)]

    async with asyncio.timeout(_PATIENCE_S), asyncio.TaskGroup() as group:
        tasks = [group.create_task(converse(number)) for number in range(_MANY)]
    for number, task in enumerate(tasks):
        assert task.result() == [f"{number}:{turn}" for turn in range(20)]
