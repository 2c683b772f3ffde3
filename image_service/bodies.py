"""Bodies of requests: how much of them is held while they are being read, and how long they are.

A customer who sends slowly has what is there of his body in our memory meanwhile. All of them
together have a bound: beyond it, the one that has been sent for the longest is given up, among
those that hold no less than their share. Who sends as usual is none of these.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_service.errors import ImageServiceError

MOST_BYTES = 64 * 1024 * 1024
"""Of all bodies that are being read: sixty-four of the longest."""
RETRY_AFTER_S = 5
"""When a body that was given up may be sent again."""


class CrowdedError(ImageServiceError):
    """Others need the room that this request's body has taken while it was sent slowly."""

    def __str__(self) -> str:
        return "the request's body was given up for others"


@dataclass(slots=True, eq=False)
class _Reading:
    held_bytes: int = 0
    is_whole: bool = False
    is_given_up: bool = False
    patience: asyncio.Timeout | None = None


class Bounded:
    """An ASGI application whose requests' bodies have a bound together, while they are read.

    Its ``receive`` raises ``CrowdedError`` in a request that makes room.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._held_bytes = 0
        # In the order in which they began; whose body came in one piece is never among them.
        self._readings: dict[_Reading, None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        reading = _Reading()

        async def receive_some() -> Message:
            if reading.is_whole:
                return await receive()
            message = await _next(reading, receive)
            self._count(reading, message)
            if reading.is_given_up:
                raise CrowdedError
            return message

        try:
            await self._app(scope, receive_some, send)
        finally:
            self._let_go(reading)

    def _count(self, reading: _Reading, message: Message) -> None:
        if not message.get("more_body", False):
            reading.is_whole = True
            self._let_go(reading)
            return
        more_bytes = len(message.get("body", b""))
        reading.held_bytes += more_bytes
        self._held_bytes += more_bytes
        self._readings[reading] = None
        while self._held_bytes > self._most_bytes:
            self._make_room()

    def _make_room(self) -> None:
        share_bytes = self._held_bytes / len(self._readings)
        longest = next(each for each in self._readings if each.held_bytes >= share_bytes)
        longest.is_given_up = True
        self._let_go(longest)
        if longest.patience is not None:
            longest.patience.reschedule(asyncio.get_running_loop().time())

    def _let_go(self, reading: _Reading) -> None:
        if reading in self._readings:
            del self._readings[reading]
            self._held_bytes -= reading.held_bytes


async def _next(reading: _Reading, receive: Receive) -> Message:
    """Wait for the next piece, as long as nobody needs the room.

    Raises:
        CrowdedError: Somebody does.
    """
    try:
        async with asyncio.timeout(None) as reading.patience:
            return await receive()
    except TimeoutError as error:
        if reading.is_given_up:
            raise CrowdedError from error
        raise
    finally:
        reading.patience = None


class Framed:
    """An ASGI application that is asked nothing whose end two servers may see in two places.

    With a Content-Length beside a Transfer-Encoding, or with the latter in HTTP/1.0, whoever has
    handed the request on may have read it otherwise (RFC 9112, 6.1): it is refused, and so is
    whatever may come behind it on its connection.
    """

    def __init__(self, app: ASGIApp, refuse: Callable[[Request], Awaitable[Response]]) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not _is_ambiguous(scope):
            await self._app(scope, receive, send)
            return
        response = await self._refuse(Request(scope))
        response.headers["Connection"] = "close"
        await response(scope, receive, send)


def _is_ambiguous(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    is_old = scope.get("http_version") == "1.0"
    return "transfer-encoding" in headers and (is_old or "content-length" in headers)
