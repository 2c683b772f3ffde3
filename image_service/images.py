"""The customer's surface: /images, as the monolith has it."""

from __future__ import annotations

from typing import assert_never

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from image_service.blobs import BlobStore
from image_service.conditional import (
    Asked,
    NotModified,
    Part,
    Unsatisfiable,
    Whole,
    decide_reading,
)
from image_service.contract import DELETED, MISSING, record
from image_service.legacy_style import json_response
from image_service.ordering import Ordering
from image_service.orders import Orders
from image_service.resource import Resource
from image_service.store import Store, StoredImage


class Images:
    """Handlers of the image paths."""

    def __init__(
        self, *, store: Store, blobs: BlobStore, orders: Orders, ordering: Ordering
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._orders = orders
        self._ordering = ordering

    def routes(self) -> list[Route]:
        """Return the paths and what they answer."""
        return [
            Route("/images", Resource({"GET": self.list_all, "POST": self._ordering.create})),
            Route("/images/{id}", Resource({"GET": self.show, "DELETE": self.remove})),
            Route("/images/{id}/file", Resource({"GET": self.send_file})),
        ]

    async def list_all(self, _request: Request, _image_id: int | None) -> Response:
        """Answer every image in order of id."""
        return json_response([_record(image) for image in await self._store.all()])

    async def show(self, _request: Request, image_id: int | None) -> Response:
        """Answer one image's record."""
        image = await self._find(image_id)
        return json_response(MISSING if image is None else _record(image))

    async def remove(self, request: Request, image_id: int | None) -> Response:
        """Delete an image; its blob stays, another image may show the same picture."""
        if self._ordering.is_trial(request):
            removed = await self._find(image_id) is not None
        else:
            removed = image_id is not None and await self._orders.remove_image(image_id)
        return json_response(DELETED if removed else MISSING)

    async def send_file(self, request: Request, image_id: int | None) -> Response:
        """Answer the picture, or the part of it that the client lacks."""
        image = await self._find(image_id)
        if image is None or image.sha256 is None:
            return json_response(MISSING)
        return await self._picture(request, image.sha256)

    async def _find(self, image_id: int | None) -> StoredImage | None:
        return None if image_id is None else await self._store.get(image_id)

    async def _picture(self, request: Request, sha256: str) -> Response:
        size_bytes = await self._blobs.size_bytes(sha256)
        etag = f'"{sha256}"'
        headers = {
            "ETag": etag,
            # A picture never changes, but it can be deleted: keep it, and ask before each use.
            "Cache-Control": "private, no-cache",
            "Accept-Ranges": "bytes",
            "X-Content-Type-Options": "nosniff",
        }
        reading = decide_reading(_asked(request), etag=etag, size_bytes=size_bytes)
        match reading:
            case NotModified():
                return Response(status_code=304, headers=headers)
            case Unsatisfiable():
                headers["Content-Range"] = f"bytes */{size_bytes}"
                return Response(status_code=416, headers=headers)
            case Whole():
                return self._send(request, sha256, (0, size_bytes), headers)
            case Part(start=start, stop=stop):
                headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size_bytes}"
                return self._send(request, sha256, (start, stop), headers)
            case _:
                assert_never(reading)

    def _send(
        self, request: Request, sha256: str, span: tuple[int, int], headers: dict[str, str]
    ) -> Response:
        start, stop = span
        status = 206 if "Content-Range" in headers else 200
        headers["Content-Length"] = str(stop - start)
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers, media_type="image/png")
        content = self._blobs.read(sha256, start, stop)
        return StreamingResponse(content, status, headers=headers, media_type="image/png")


def _asked(request: Request) -> Asked:
    # A repeated If-None-Match is one list (RFC 9110, section 5.3).
    tags = request.headers.getlist("if-none-match")
    return Asked(
        method=request.method,
        if_none_match=", ".join(tags) if tags else None,
        if_range=request.headers.get("if-range"),
        byte_range=request.headers.get("range"),
    )


def _record(image: StoredImage) -> dict[str, object]:
    return record(image_id=image.image_id, order=image.order, status=image.status)
