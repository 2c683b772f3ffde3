"""Sends a blob: the whole of it, a part, or word that nothing changed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import assert_never

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from image_service.blobs.facts import Facts
from image_service.blobs.port import BlobStore
from image_service.conditional import (
    Asked,
    NotModified,
    Part,
    Unsatisfiable,
    Whole,
    decide_reading,
)
from image_service.media import UNKNOWN

# A signed URL is used at once, by the client that was sent there.
_SIGNED_FOR_S = 300


class Sender:
    """Answers requests for blobs whose facts are known.

    Args:
        blobs: Where they are.
        redirect_over_bytes: Answers longer than this are fetched from the store itself, if it has
            URLs; None where answers may have any length.
    """

    def __init__(self, blobs: BlobStore, *, redirect_over_bytes: int | None) -> None:
        self._blobs = blobs
        self._redirect_over_bytes = redirect_over_bytes

    async def answer(self, request: Request, facts: Facts, headers: dict[str, str]) -> Response:
        """Answer with a blob, under these fields and those that follow from the request.

        Raises:
            MissingBlobError: It is gone.
            OSError: The store does not answer.
        """
        headers = {
            "ETag": facts.etag,
            "Accept-Ranges": "bytes",
            "X-Content-Type-Options": "nosniff",
            **headers,
        }
        reading = decide_reading(_asked(request), etag=facts.etag, size_bytes=facts.size_bytes)
        match reading:
            case NotModified():
                return Response(status_code=304, headers=headers)
            case Unsatisfiable():
                headers["Content-Range"] = f"bytes */{facts.size_bytes}"
                return Response(status_code=416, headers=headers)
            case Whole():
                return await self._send(request, facts, (0, facts.size_bytes), headers)
            case Part(start=start, stop=stop):
                headers["Content-Range"] = f"bytes {start}-{stop - 1}/{facts.size_bytes}"
                return await self._send(request, facts, (start, stop), headers)
            case _:
                assert_never(reading)

    async def _send(
        self, request: Request, facts: Facts, span: tuple[int, int], headers: dict[str, str]
    ) -> Response:
        start, stop = span
        status = 206 if "Content-Range" in headers else 200
        if self._redirect_over_bytes is not None and stop - start > self._redirect_over_bytes:
            url = await self._blobs.sign(facts.key, expires_s=_SIGNED_FOR_S)
            if url is not None:
                # The URL opens the blob for whoever has it: no cache may keep it.
                return Response(
                    status_code=303, headers={"Location": url, "Cache-Control": "no-store"}
                )
        headers["Content-Length"] = str(stop - start)
        if facts.media_type == UNKNOWN:
            headers["Content-Disposition"] = "attachment"
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers, media_type=facts.media_type)
        pieces = self._blobs.read(facts.key, start, stop)
        # Before the head goes out: a blob that is gone must not look like a broken connection.
        first = await anext(pieces, b"")
        if len(first) == stop - start:
            await pieces.aclose()
            return Response(first, status, headers=headers, media_type=facts.media_type)
        return StreamingResponse(
            _joined(first, pieces), status, headers=headers, media_type=facts.media_type
        )


async def _joined(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


def _asked(request: Request) -> Asked:
    # A repeated If-None-Match is one list (RFC 9110, section 5.3).
    tags = request.headers.getlist("if-none-match")
    return Asked(
        method=request.method,
        if_none_match=", ".join(tags) if tags else None,
        if_range=request.headers.get("if-range"),
        byte_range=request.headers.get("range"),
    )
