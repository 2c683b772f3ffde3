"""A backend that can be made to fail: ``python -m tests.soak.origin NAME PORT``.

An answer's bytes follow from the number in its path: whoever gets another's notices.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable

import uvloop

from tests.support.content import MIB, content
from tests.support.raw_http import Exchange, read_request

APART = 64
"""MiB between the contents of two numbers: none is as long."""
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Number: 0\r\n\r\npoison"
_LIMIT_BYTES = 1 << 20
_CHUNK_BYTES = 3001


def start_of(number: int) -> int:
    """Where the content of a number begins."""
    return number * APART * MIB


async def _sized(exchange: Exchange, number: int, size: int) -> None:
    await exchange.head(200, "OK", [*_marks(number), ("Content-Length", str(size))])
    await exchange.write(*content(size, start_of(number)))


async def _chunked(exchange: Exchange, number: int, size: int) -> None:
    await exchange.head(200, "OK", [*_marks(number), ("Transfer-Encoding", "chunked")])
    for piece in content(size, start_of(number)):
        for at in range(0, len(piece), _CHUNK_BYTES):
            await exchange.chunk(piece[at : at + _CHUNK_BYTES])
    await exchange.chunk(b"")


async def _closing(exchange: Exchange, number: int, size: int) -> None:
    exchange.closes = True
    await exchange.head(200, "OK", _marks(number))
    await exchange.write(*content(size, start_of(number)))


async def _upload(exchange: Exchange, number: int, size: int) -> None:
    """Answer 200 to the very bytes of that number, 422 to any others."""
    expected = b"".join(content(size, start_of(number)))
    received = bytearray()
    async for piece in exchange.body():
        received += piece
    is_right = received == expected
    await exchange.reply(200 if is_right else 422, "Read", _marks(number), b"%d" % number)


async def _early(exchange: Exchange, number: int, _size: int) -> None:
    exchange.closes = True
    await exchange.reply(413, "Content Too Large", _marks(number), b"%d" % number)


async def _extra(exchange: Exchange, number: int, _size: int) -> None:
    """A whole answer with another behind it, which is nobody's."""
    body = b"%d" % number
    head = f"HTTP/1.1 200 OK\r\nX-Number: {number}\r\nContent-Length: {len(body)}\r\n\r\n"
    await exchange.write(head.encode() + body + POISON)


async def _garbage(exchange: Exchange, _number: int, _size: int) -> None:
    await exchange.write(b"\x16\x03\x01\x00 what is this?\r\n\r\n")


async def _hang(exchange: Exchange, _number: int, _size: int) -> None:
    """Say nothing until the other end leaves."""
    await exchange.wait_for_end()


async def _stall(exchange: Exchange, number: int, size: int) -> None:
    """Say half, and then nothing."""
    await exchange.head(200, "OK", [*_marks(number), ("Content-Length", str(size))])
    await exchange.write(*content(size // 2, start_of(number)))
    await exchange.wait_for_end()


async def _half(exchange: Exchange, number: int, size: int) -> None:
    exchange.closes = True
    await exchange.head(200, "OK", [*_marks(number), ("Content-Length", str(size))])
    await exchange.write(*content(size // 2, start_of(number)))


async def _reset(exchange: Exchange, number: int, size: int) -> None:
    await _half(exchange, number, size)
    exchange.reset()


async def _vanish(exchange: Exchange, _number: int, _size: int) -> None:
    exchange.reset()


async def _tunnel(exchange: Exchange, number: int, _size: int) -> None:
    """Switch to a protocol in which everything comes back."""
    await exchange.head(
        101, "Switching", [*_marks(number), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
    )
    exchange.closes = True
    await exchange.mirror()


def _marks(number: int) -> list[tuple[str, str]]:
    return [("X-Number", str(number)), ("X-Side", sys.argv[1])]


NATURES: dict[str, Callable[[Exchange, int, int], Awaitable[None]]] = {
    "sized": _sized,
    "chunked": _chunked,
    "closing": _closing,
    "upload": _upload,
    "early": _early,
    "extra": _extra,
    "garbage": _garbage,
    "hang": _hang,
    "stall": _stall,
    "half": _half,
    "reset": _reset,
    "vanish": _vanish,
    "tunnel": _tunnel,
}
_LAST_WORDS = frozenset({"garbage", "hang", "stall", "reset", "vanish", "tunnel", "half"})
"""After these the connection is of no more use."""


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connected: socket.socket = writer.get_extra_info("socket")
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while await _answer(reader, writer):
            pass
    writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer ``/PLACE/NATURE/NUMBER/SIZE``; return whether another request may follow."""
    exchange = Exchange(await read_request(reader), reader, writer)
    _, nature, number, size = exchange.words
    await NATURES[nature](exchange, int(number), int(size))
    if nature in _LAST_WORDS:
        return False
    await exchange.drain_request()
    return not exchange.closes


async def _main() -> None:
    server = await asyncio.start_server(
        _serve, "127.0.0.1", int(sys.argv[2]), limit=_LIMIT_BYTES, backlog=1000
    )
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main())
