"""Run the origin: ``python -m tests.e2e.third_parties.origin`` tells its URL and serves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys

import uvloop

from tests.e2e.third_parties.origin.natures import NATURES
from tests.support.raw_http import Exchange, read_request

_LIMIT_BYTES = 1 << 20


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connected: socket.socket = writer.get_extra_info("socket")
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # The client has left, or cut the connection: that is its own affair.
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while await _answer(reader, writer):
            pass
    writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request; return whether another may follow."""
    exchange = Exchange(await read_request(reader), reader, writer)
    await NATURES[exchange.words[0]](exchange)
    is_asked = exchange.request.header("expect") and exchange.closes
    if exchange.words[0] == "broken" or is_asked:
        return False
    await exchange.drain_request()
    wants_close = exchange.request.header("connection").lower() == "close"
    return not (exchange.closes or wants_close)


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, limit=_LIMIT_BYTES)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"listening on http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main())
