"""A picture on its way: fetched once, checked, and in the blob store before any row names it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import anyio
from anyio import to_thread

from image_service.backfill.errors import FeedUnavailableError, NotAFeedError
from image_service.backfill.events import Change, Picture, Put, Refused
from image_service.backfill.feed import Feed
from image_service.backfill.landing import Landed
from image_service.blobs.facts import read_all
from image_service.blobs.port import BlobStore
from image_service.errors import BadPictureError, MissingBlobError
from image_service.media import media_type_of
from image_service.pictures import BYTE_LIMIT, verify

_LOG = logging.getLogger("image_service.backfill")

# Of up to 32 MiB each, and as many again decoded.
_AT_ONCE = 4
_TRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of a picture: its sha256, or why it is refused; neither when it is gone."""

    sha256: str | None = None
    refused: str | None = None


class Pictures:
    """Brings pictures from the feed into the blob store."""

    def __init__(self, feed: Feed, blobs: BlobStore) -> None:
        self._feed = feed
        self._blobs = blobs

    async def land(self, changes: Sequence[Change], there: Mapping[int, str]) -> list[Landed]:
        """Bring the pictures of some changes, a few at once.

        Args:
            changes: One for each image.
            there: The pictures that images have here already.

        Raises:
            FeedUnavailableError: The feed does not answer now.
            NotAFeedError: The feed answers what it cannot.
            OSError: The blob store cannot keep a picture.
        """
        landed: dict[int, Landed] = {}
        turns = anyio.Semaphore(_AT_ONCE)

        async def one(change: Change) -> None:
            async with turns:
                landed[change.image_id] = await self._land(change, there.get(change.image_id))

        try:
            async with anyio.create_task_group() as tasks:
                for change in changes:
                    tasks.start_soon(one, change)
        except* (FeedUnavailableError, NotAFeedError, OSError) as group:
            # The first says enough: the others were broken off because of it.
            raise _first(group) from None
        return [landed[change.image_id] for change in changes]

    async def _land(self, change: Change, there: str | None) -> Landed:
        if isinstance(change, Refused):
            return Landed(change=change, refused=change.reason)
        if not isinstance(change, Put) or change.picture is None:
            return Landed(change=change)
        kept = await self._keep(change.image_id, change.picture, there)
        return Landed(change=change, sha256=kept.sha256, refused=kept.refused)

    async def _keep(self, image_id: int, picture: Picture, there: str | None) -> Kept:
        if picture.sha256 is not None and await self._has(picture, there):
            return Kept(sha256=picture.sha256)
        if picture.size_bytes > BYTE_LIMIT:
            return Kept(refused=f"its picture of {picture.size_bytes} bytes is too large")
        for _ in range(_TRIES):
            content = await self._feed.picture(image_id, picture, limit_bytes=BYTE_LIMIT)
            if content is None:
                # Replaced or deleted meanwhile: a later event tells.
                return Kept()
            digest = hashlib.sha256(content).hexdigest()
            if picture.sha256 in (None, digest):
                return await self._check(content)
            _LOG.warning(
                "picture_differs image=%d told=%s got=%s", image_id, picture.sha256, digest
            )
        return Kept(refused="the bytes of its picture are not those that the feed told of")

    async def _has(self, picture: Picture, there: str | None) -> bool:
        """Whether the blob is here, and safe from gc until the row is committed."""
        sha256 = picture.sha256 or ""
        try:
            if await self._blobs.size_bytes(sha256) != picture.size_bytes:
                return False
            if there == sha256:
                # The row that is about to be written anew refers to it.
                return True
            # Left by a run that was broken off: put again, it is new to gc as well.
            content = await read_all(self._blobs, sha256, picture.size_bytes)
        except MissingBlobError:
            return False
        return hashlib.sha256(content).hexdigest() == sha256 and bool(
            await self._blobs.put(content)
        )

    async def _check(self, content: bytes) -> Kept:
        kind = media_type_of(content)
        if kind != "image/png":
            return Kept(refused=f"its picture is {kind}, not image/png")
        try:
            await to_thread.run_sync(verify, content)
        except BadPictureError as error:
            return Kept(refused=f"its picture is none: {error.reason}")
        return Kept(sha256=await self._blobs.put(content))


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
