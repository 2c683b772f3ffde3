"""Kept pictures as a client wants them encoded: found in the store, or made once and put there.

Whoever reads an answer slowly then holds a piece of a picture, and never the whole.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from anyio import to_thread

from image_service.blobs import BlobStore
from image_service.blobs.facts import read_all
from image_service.errors import MissingBlobError
from image_service.openai_api.asking import Generation
from image_service.pictures import in_format, normalised

# Each holds a picture twice, encoded and not; more at once only share the cores.
_AT_ONCE = 2
# Part of each name in the store: a change to how they are made leaves the old ones to gc.
_MAKING = "v1-openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Something that the store holds."""

    key: str
    size_bytes: int


class Encodings:
    """Finds pictures in the form of a request."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        # Held while the picture is read as well: waiting must not take memory.
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def final(self, sha256: str, asked: Generation) -> Held:
        """Return a finished picture, which is PNG of the ordered size to begin with.

        Raises:
            MissingBlobError: It is gone.
            OSError: The store does not answer.
        """
        if asked.output_format == "png":
            return await self._held(sha256)
        return await self.partial(sha256, asked)

    async def partial(self, sha256: str, asked: Generation) -> Held:
        """Return any picture, brought to the ordered size.

        Raises:
            BadPictureError: It cannot be brought there.
            MissingBlobError: It is gone.
            OSError: The store does not answer, or cannot keep what was made.
        """
        key = f"{sha256}/{_MAKING}-{asked.order.size}-{asked.output_format}-{asked.compression}"
        try:
            return await self._held(key)
        except MissingBlobError:
            async with self._turns:
                return await self._make(key, sha256, asked)

    async def _make(self, key: str, sha256: str, asked: Generation) -> Held:
        original = await read_all(self._blobs, sha256, (await self._held(sha256)).size_bytes)
        content = await to_thread.run_sync(_encoded, original, asked)
        if content is original:
            return Held(key=sha256, size_bytes=len(original))
        # Whoever was faster has put the same bytes.
        await self._blobs.put_derivative(key, content)
        return await self._held(key)

    async def _held(self, key: str) -> Held:
        return Held(key=key, size_bytes=await self._blobs.size_bytes(key))


def _encoded(original: bytes, asked: Generation) -> bytes:
    png = normalised(original, asked.order.size)
    return in_format(png, asked.output_format, asked.compression)
