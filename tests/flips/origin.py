"""A backend that says who it is and what it was asked: ``python -m tests.flips.origin NAME``."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import uvloop

_ASKED = re.compile(rb"GET /images/(\d+) HTTP/1\.1\r\n")


class Origin(asyncio.Protocol):
    """One connection; requests have no body."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._unread = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        *heads, self._unread = (self._unread + data).split(b"\r\n\r\n")
        for head in heads:
            asked = _ASKED.match(head + b"\r\n")
            body = f"{self._name} {asked[1].decode() if asked else '-'}".encode()
            assert self._transport is not None
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )


async def _serve(name: str) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Origin(name), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"listening on http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
