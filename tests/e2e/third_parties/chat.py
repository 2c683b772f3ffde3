"""A WebSocket server of the library ``websockets``, of many natures.

Run as ``python -m tests.e2e.third_parties.chat``; it tells its URL and serves. It takes large
messages and offers compression.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Sequence

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

MAX_BYTES = 32 << 20
FLOOD = 200
"""Messages."""
FLOOD_BYTES = 50_000
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_REASONS = {302: "Found", 401: "Unauthorized", 403: "Not You", 404: "Not Found"}
_REASONS |= {426: "Upgrade Required", 500: "Internal Server Error", 503: "Busy"}


def flood(number: int) -> bytes:
    """A message of the flood."""
    return number.to_bytes(4) * (FLOOD_BYTES // 4)


async def _talk(connection: ServerConnection) -> None:
    assert connection.request is not None
    nature, *more = connection.request.path.strip("/").split("/")
    # A client may leave with any code: that is no fault of the server's.
    with contextlib.suppress(ConnectionClosedError):
        await _NATURES[nature](connection, *more)


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def _letters(connection: ServerConnection) -> None:
    """Each message comes back in fragments of one character."""
    async for message in connection:
        assert isinstance(message, str)
        await connection.send(list(message))


async def _close(connection: ServerConnection, code: str, reason: str) -> None:
    await connection.close(int(code), reason)


async def _raw(connection: ServerConnection, frame: str) -> None:
    """Send what the library itself would not."""
    connection.transport.write(bytes.fromhex(frame))
    await connection.wait_closed()


async def _ping(connection: ServerConnection) -> None:
    pong = await connection.ping(b"how far?")
    await pong
    await connection.send("pong came")


async def _flood(connection: ServerConnection) -> None:
    for number in range(FLOOD):
        await connection.send(flood(number))


async def _lost(connection: ServerConnection) -> None:
    await connection.send("and then")
    await connection.recv()
    _reset(connection)


async def _report(connection: ServerConnection) -> None:
    assert connection.request is not None
    await connection.send(json.dumps(_told(connection, connection.request)))


_NATURES: dict[str, Callable[..., Awaitable[None]]] = {
    "echo": _echo,
    "letters": _letters,
    "close": _close,
    "raw": _raw,
    "ping": _ping,
    "flood": _flood,
    "lost": _lost,
    "report": _report,
}


def _told(connection: ServerConnection, request: Request) -> dict[str, object]:
    return {
        "path": request.path,
        "headers": [[name, value] for name, value in request.headers.raw_items()],
        "subprotocol": connection.subprotocol,
        "extensions": [each.name for each in connection.protocol.extensions],
    }


def _reset(connection: ServerConnection) -> None:
    connected: socket.socket = connection.transport.get_extra_info("socket")
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    connection.transport.abort()


def _refuse(_connection: ServerConnection, request: Request) -> Response | None:
    """Refuse ``/refuse/STATUS`` with a page and two cookies."""
    if not request.path.startswith("/refuse/"):
        return None
    status, body = int(request.path.rpartition("/")[2]), b"<p>no</p>"
    headers = Headers(
        [
            ("Content-Type", "text/html"),
            ("Content-Length", str(len(body))),
            ("Set-Cookie", "why=1"),
            ("Set-Cookie", "when=2"),
            ("Location", "/login"),
            ("WWW-Authenticate", 'Basic realm="chat"'),
        ]
    )
    return Response(status, _REASONS[status], headers, body)


def _decorate(_connection: ServerConnection, _request: Request, response: Response) -> None:
    response.headers["Set-Cookie"] = "seen=1"
    response.headers["Set-Cookie"] = "again=2; HttpOnly"


def _choose(_connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The last that is offered; a client need not offer any."""
    return offered[-1] if offered else None


async def _main() -> None:
    async with serve(
        _talk,
        "127.0.0.1",
        0,
        select_subprotocol=_choose,
        process_request=_refuse,
        process_response=_decorate,
        max_size=MAX_BYTES,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        sys.stdout.write(f"listening on http://127.0.0.1:{port}\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main())
