"""The customer's surface: /images, as the monolith has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from image_service.blobs.facts import KnownBlobs
from image_service.contract import DELETED, MISSING, record
from image_service.legacy_style import json_bytes, json_response
from image_service.ordering import Ordering
from image_service.orders import Orders
from image_service.resource import Resource
from image_service.sending import Sender
from image_service.store import PAGE, Store, StoredImage


class Images:
    """Handlers of the image paths."""

    def __init__(
        self,
        *,
        store: Store,
        orders: Orders,
        ordering: Ordering,
        known: KnownBlobs,
        sender: Sender,
    ) -> None:
        self._store = store
        self._orders = orders
        self._ordering = ordering
        self._known = known
        self._sender = sender

    def routes(self) -> list[Route]:
        """Return the paths and what they answer."""
        return [
            Route("/images", Resource({"GET": self.list_all, "POST": self._ordering.create})),
            Route("/images/{id}", Resource({"GET": self.show, "DELETE": self.remove})),
            Route("/images/{id}/file", Resource({"GET": self.send_file})),
        ]

    async def list_all(self, _request: Request, _image_id: int | None) -> Response:
        """Answer every image in order of id; a long list is read as its reader takes it."""
        first = await self._store.page(after=0)
        if len(first) < PAGE:
            return json_response([_record(image) for image in first])
        return StreamingResponse(self._listed(first), media_type="application/json")

    async def _listed(self, page: Sequence[StoredImage]) -> AsyncIterator[bytes]:
        """Write page after page; each is of its own moment, and no transaction stays open."""
        separator = b"["
        while page:
            last = page[-1].image_id
            # Without the list's own brackets and newline.
            piece = separator + json_bytes([_record(image) for image in page])[1:-2]
            # Whoever reads slowly holds this piece, and not the rows beside it.
            page = []
            yield piece
            separator = b","
            page = await self._store.page(after=last)
        yield b"]\n"

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
        facts = await self._known.original(sha256)
        # A picture never changes, but it can be deleted: keep it, and ask before each use.
        return await self._sender.answer(request, facts, {"Cache-Control": "private, no-cache"})


def _record(image: StoredImage) -> dict[str, object]:
    return record(image_id=image.image_id, order=image.order, status=image.status)
