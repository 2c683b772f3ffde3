"""Derivatives on demand: each is made once, a few at a time, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from anyio import CapacityLimiter, to_thread

from image_service.blobs.facts import Facts, KnownBlobs, read_all
from image_service.blobs.port import BlobStore
from image_service.derivatives.recipe import Recipe
from image_service.errors import BusyError, MissingBlobError, UnreadablePictureError
from image_service.pictures import BYTE_LIMIT
from image_service.tasks import Tasks

Render = Callable[[bytes, Recipe], bytes]

# Each holds a decoded picture or two, 33 MB at the pixel limit; more at once only share the cores.
_AT_ONCE = 2
# Different derivatives that wait for their turn; they take some 0.1 s each, and then customers
# are better told to come again.
_MOST_UNDER_WAY = 64


class Derivatives:
    """Finds derivatives, and makes those that nobody asked for before.

    However many ask for one at the same time, it is made once and they share what comes of it.
    Processes do not know of each other's work: the first to finish keeps its own, and the others
    take that.
    """

    def __init__(
        self, *, blobs: BlobStore, known: KnownBlobs, tasks: Tasks, render: Render
    ) -> None:
        self._blobs = blobs
        self._known = known
        self._tasks = tasks
        self._render = render
        self._threads = CapacityLimiter(_AT_ONCE)
        # Held while the original is read as well: waiting must not take memory.
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._flights: dict[str, asyncio.Task[Facts]] = {}

    async def find(self, sha256: str, recipe: Recipe) -> Facts:
        """Return the facts of a derivative that is in the store by then.

        Raises:
            MissingBlobError: There is no such original.
            UnreadablePictureError: The original is no picture.
            BusyError: Too many others are being made.
            OSError: The store does not answer.
        """
        key = f"{sha256}/{recipe}"
        facts = self._known.recall(key)
        if facts is not None:
            return facts
        flight = self._flights.get(key)
        if flight is None:
            if len(self._flights) >= _MOST_UNDER_WAY:
                raise BusyError(len(self._flights))
            flight = self._tasks.spawn(self._find_or_make(key, sha256, recipe), name="derivative")
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        # Whoever leaves does not take it from those who wait on.
        return await asyncio.shield(flight)

    def _land(self, key: str, flight: asyncio.Task[Facts]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            # Perhaps everybody left: then nobody else would look at its failure.
            flight.exception()

    async def _find_or_make(self, key: str, sha256: str, recipe: Recipe) -> Facts:
        try:
            return await self._known.derivative(key)
        except MissingBlobError:
            await self._make(key, sha256, recipe)
            return await self._known.derivative(key)

    async def _make(self, key: str, sha256: str, recipe: Recipe) -> None:
        async with self._turns:
            size_bytes = await self._blobs.size_bytes(sha256)
            if size_bytes > BYTE_LIMIT:
                raise UnreadablePictureError(f"{size_bytes} bytes are more than {BYTE_LIMIT}")
            original = await read_all(self._blobs, sha256, size_bytes)
            content = await to_thread.run_sync(
                self._render, original, recipe, limiter=self._threads
            )
            await self._blobs.put_derivative(key, content)
