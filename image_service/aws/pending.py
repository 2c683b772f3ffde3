"""Carries out images that were recorded as ordered: their ids are the names of the jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from anyio import to_thread

from image_service.app import open_provider, open_store_of
from image_service.aws.worker import Works
from image_service.blobs import BlobStore
from image_service.blobs.opening import open_blobs
from image_service.errors import PictureError
from image_service.pictures import normalised
from image_service.providers.port import Provider
from image_service.settings import Settings
from image_service.store import Store

_LOG = logging.getLogger("image_service.aws.pending")


class PendingImages:
    """Makes the pictures of images that are ``pendente``."""

    def __init__(
        self, *, store: Store, blobs: BlobStore, provider: Provider, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._provider = provider
        self._clock = clock

    async def work_one(self, job_id: str) -> None:
        """Make one picture, unless its image is finished or gone."""
        image_id = int(job_id)
        image = await self._store.get(image_id)
        if image is None or image.status != "pendente":
            return
        try:
            content = await self._provider.paint(image.order)
            picture = await to_thread.run_sync(normalised, content, image.order.size)
        except PictureError as error:
            _LOG.warning("order_failed id=%d kind=%s reason=%r", image_id, error.kind, error.reason)
            await self._store.fail(image_id, failure=error.kind, now=self._clock())
            return
        sha256 = await self._blobs.put(picture)
        await self._store.finish(image_id, sha256=sha256, now=self._clock())


@asynccontextmanager
async def open_works(settings: Settings) -> AsyncIterator[Works]:
    """Open what carries jobs out.

    Raises:
        StartupError: The database or the bucket cannot be used.
    """
    clock = time.time  # noqa: TID251 - the one clock, injected from here
    blobs = await open_blobs(settings.blob_place, clock=clock)
    store = await open_store_of(settings)
    provider = open_provider(settings)
    try:
        yield PendingImages(store=store, blobs=blobs, provider=provider, clock=clock)
    finally:
        await provider.close()
        await store.close()
