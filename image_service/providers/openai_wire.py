"""The HTTP client below the SDK: it bounds what comes in, and knows whether a request has left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass

import httpx2
import openai

from image_service.errors import BadPictureError
from image_service.providers.openai_reading import BASE64_LIMIT

# What stands around the pictures.
_FRAME_BYTES = 1024 * 1024
_ANSWER_LIMIT_BYTES = BASE64_LIMIT + _FRAME_BYTES
# Three partial pictures come before the last.
_STREAM_LIMIT_BYTES = 4 * BASE64_LIMIT + _FRAME_BYTES
# A handshake that takes longer is not worth waiting for; nothing was bought before it.
_CONNECT_TIMEOUT_S = 5.0
_REQUEST_BEGINS = "send_request_headers.started"


@dataclass(slots=True)
class Departure:
    """Whether the current call's request has begun to leave."""

    is_sent: bool = False


CURRENT_DEPARTURE: ContextVar[Departure] = ContextVar("current_departure")


def open_client(timeout_s: float) -> httpx2.AsyncClient:
    """Return the SDK's usual client, changed in what could buy twice or fill the memory.

    * No connection is used twice: one that the server closes in the same moment would leave it
      open whether the order was read. A handshake costs little beside a picture.
    * No redirect is followed: the order would go out again.
    * No compressed answer is taken: its size would be known too late.
    """
    return openai.DefaultAsyncHttpx2Client(
        timeout=httpx2.Timeout(timeout_s, connect=_CONNECT_TIMEOUT_S),
        limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=0),
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
        event_hooks={"request": [_watch], "response": [_bound]},
    )


async def _watch(request: httpx2.Request) -> None:
    departure = CURRENT_DEPARTURE.get(None)
    if departure is None:
        return

    async def note(event: str, _details: object) -> None:
        departure.is_sent = departure.is_sent or event.endswith(_REQUEST_BEGINS)

    request.extensions = {**request.extensions, "trace": note}


async def _bound(response: httpx2.Response) -> None:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise BadPictureError("the answer is compressed, which was not asked for")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        limit_bytes = _STREAM_LIMIT_BYTES if is_stream else _ANSWER_LIMIT_BYTES
        response.stream = _Bounded(response.stream, limit_bytes)


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends with an error when it is longer than any answer."""

    def __init__(self, stream: httpx2.AsyncByteStream, limit_bytes: int) -> None:
        self._stream = stream
        self._limit_bytes = limit_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for piece in self._stream:
            total += len(piece)
            if total > self._limit_bytes:
                raise BadPictureError(f"the answer is longer than {self._limit_bytes} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
