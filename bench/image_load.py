"""Customers of the image service on raw connections, so that they cost little themselves."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass

from bench.processes import HOST, StartError

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CUSTOMERS = 50
# Between two looks at an image: two hundred a second, which is little beside a hundred orders.
_PAUSE_S = 0.005
_ORDER = b'{"prompt": "praia ao entardecer", "size": "512x512"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is asked for again and again."""

    port: int
    path: str


async def order_all(port: int, orders: int, connections: int) -> list[float]:
    """Place so many orders over kept connections; return how long each took to be taken.

    Raises:
        StartError: One was not taken.
    """
    took_s: list[float] = []

    async def customer(number: int) -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        head = f"Prefer: respond-async\r\nX-Customer-Id: customer-{number % _CUSTOMERS}\r\n"
        request = _request("POST", "/images", _ORDER, head)
        for _ in range(orders // connections):
            begun_s = time.perf_counter()
            writer.write(request)
            status, _body = await _answer(reader)
            took_s.append(time.perf_counter() - begun_s)
            if status != b"202":
                raise StartError(f"an order was answered {status.decode()}")
        writer.close()

    await asyncio.gather(*(customer(number) for number in range(connections)))
    return took_s


async def ask(port: int, method: str, path: str, body: bytes = b"") -> dict[str, object]:
    """Ask once over a connection of its own; return the JSON of the answer.

    Raises:
        StartError: The status is not 200.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(_request(method, path, body))
    status, content = await _answer(reader)
    writer.close()
    if status != b"200":
        raise StartError(f"{method} {path} was answered {status.decode()}")
    said: dict[str, object] = json.loads(content)
    return said


async def ask_until(asking: Asking, done: Awaitable[None]) -> list[float]:
    """Ask over one kept connection until ``done`` is; return how long each answer took."""
    took_s: list[float] = []

    async def look() -> None:
        reader, writer = await asyncio.open_connection(HOST, asking.port)
        request = _request("GET", asking.path)
        while True:
            begun_s = time.perf_counter()
            writer.write(request)
            await _answer(reader)
            took_s.append(time.perf_counter() - begun_s)
            await asyncio.sleep(_PAUSE_S)

    async with asyncio.TaskGroup() as group:
        looking = group.create_task(look())
        await done
        looking.cancel()
    return took_s


def _request(method: str, path: str, body: bytes = b"", head: str = "") -> bytes:
    fields = f"Host: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\n{fields}{head}\r\n".encode() + body


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length is None:
        raise StartError(f"an answer without a length: {head[:80]!r}")
    return head.split(b" ", 2)[1], await reader.readexactly(int(length[1]))
