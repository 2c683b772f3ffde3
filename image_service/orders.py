"""Carries an order out: row, provider, check, blob, row."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from image_service.blobs import BlobStore
from image_service.contract import Order
from image_service.errors import PictureError
from image_service.providers.port import Call, Provider
from image_service.store import Store, StoredImage
from image_service.tasks import Tasks

_LOG = logging.getLogger("image_service.orders")


class Orders:
    """Makes pictures, a bounded number at once; the others wait in the order they came."""

    def __init__(
        self,
        *,
        store: Store,
        blobs: BlobStore,
        provider: Provider,
        tasks: Tasks,
        concurrency: int,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._provider = provider
        self._tasks = tasks
        # asyncio's semaphore wakes its waiters first come, first served.
        self._turns = asyncio.Semaphore(concurrency)
        self._clock = clock

    async def place(self, order: Order) -> StoredImage | None:
        """Make the picture and return its image, ``pronta`` or ``falhou``.

        None when the image was deleted while it was being made. An order once placed is
        finished, also when the caller stops waiting for it.
        """
        return await asyncio.shield(self._tasks.spawn(self._carry_out(order), name="order"))

    async def _carry_out(self, order: Order) -> StoredImage | None:
        image_id = await self._store.add(order, provider=self._provider.name, now=self._clock())
        try:
            sha256 = await self._make(order)
        except PictureError as error:
            _LOG.warning("order_failed id=%d kind=%s reason=%r", image_id, error.kind, error.reason)
            return await self._fail(image_id, order, error.kind)
        except asyncio.CancelledError:
            # Only shutdown cancels this task, and it ends here: whoever waits gets an answer.
            _LOG.warning("order_interrupted id=%d", image_id)
            return await self._fail(image_id, order, "interrupted")
        except Exception:  # noqa: BLE001 - the root of the task, logged with its traceback
            # Whatever it was, the row must not wait for ever.
            _LOG.exception("order_failed id=%d kind=internal", image_id)
            return await self._fail(image_id, order, "internal")
        if not await self._store.finish(image_id, sha256=sha256, now=self._clock()):
            return None
        return StoredImage(image_id=image_id, order=order, status="pronta", sha256=sha256)

    async def _make(self, order: Order) -> str:
        """Make the picture, keep it and return its sha256."""
        async with self._turns:
            painted = await self._provider.paint(order, call=Call())
            return await self._blobs.put(painted.content)

    async def _fail(self, image_id: int, order: Order, failure: str) -> StoredImage:
        await self._store.fail(image_id, failure=failure, now=self._clock())
        return StoredImage(image_id=image_id, order=order, status="falhou", sha256=None)
