"""Compares what is here with what the monolith has, as of one position of its feed.

The database is read in one transaction that sees one moment of it, in which the import stood at
one position; the feed is folded up to that same position. So customers may go on ordering, and an
import go on beside it, without any of that being taken for a difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.backfill.comparing import (
    Actual,
    Expected,
    Finding,
    Kind,
    Row,
    Verdict,
    judge,
    pairs,
)
from image_service.backfill.feed import Feed
from image_service.backfill.landing import Landing, read_progress
from image_service.backfill.progress import Progress
from image_service.backfill.rows import ImportedRow
from image_service.backfill.stage import Stage
from image_service.blobs.port import BlobStore
from image_service.errors import MissingBlobError
from image_service.models import FIRST_ID, ImageRow
from image_service.pictures import BYTE_LIMIT

_ROWS_AT_ONCE = 500

CatchUp = Callable[[], Coroutine[object, object, Progress]]


class Verifier:
    """Compares rows and blobs."""

    def __init__(self, *, feed: Feed, landing: Landing, blobs: BlobStore) -> None:
        self._feed = feed
        self._landing = landing
        self._blobs = blobs

    async def verify(self, catch_up: CatchUp) -> Verdict:
        """Compare everything.

        Args:
            catch_up: Takes in what the feed has, and returns where the import stands.

        Raises:
            FeedGoneError: The feed was replaced meanwhile.
            FeedUnavailableError: It does not answer.
            NotAFeedError: What answers is no feed.
            OSError: The blob store does not answer.
        """
        stage = Stage(self._feed)
        try:
            known_from = await stage.read_snapshot()
            while (await catch_up()).position < known_from:
                pass
            async with self._landing.one_moment() as connection:
                progress = await read_progress(connection) or Progress()
                await stage.read_up_to(progress.position)
                return await self._compare(connection, stage, progress.position)
        finally:
            stage.close()

    async def _compare(self, connection: AsyncConnection, stage: Stage, position: int) -> Verdict:
        verdict = Verdict(position=position)
        expected = stage.images()
        there = next(expected, None)
        async for chunk in _chunks(connection):
            upper = chunk[-1].image_id
            told: list[Expected] = []
            while there is not None and there.image_id <= upper:
                told.append(there)
                there = next(expected, None)
            for pair in pairs(told, chunk):
                await self._judge(verdict, *pair)
        while there is not None:
            await self._judge(verdict, there, None)
            there = next(expected, None)
        return verdict

    async def _judge(
        self, verdict: Verdict, expected: Expected | None, actual: Actual | None
    ) -> None:
        finding = judge(expected, actual)
        if finding is not None and await self._is_waiting(finding, expected, actual):
            verdict.waiting += 1
            return
        if finding is not None:
            verdict.add(finding)
        broken = None
        if actual is not None and actual.sha256 is not None:
            broken = await self._check_blob(verdict, actual.image_id, actual.sha256)
        if broken is not None:
            verdict.add(broken)
        if finding is None and broken is None:
            verdict.equal += 1

    async def _is_waiting(
        self, finding: Finding, expected: Expected | None, actual: Actual | None
    ) -> bool:
        """Whether all that is wrong is a picture that the monolith itself has no more."""
        if expected is None or actual is None or finding.detail != "picture":
            return False
        picture = expected.picture
        if picture is None or actual.sha256 is not None:
            return False
        fetched = await self._feed.picture(expected.image_id, picture, limit_bytes=BYTE_LIMIT)
        return fetched is None

    async def _check_blob(self, verdict: Verdict, image_id: int, sha256: str) -> Finding | None:
        digest = hashlib.sha256()
        try:
            size_bytes = await self._blobs.size_bytes(sha256)
            async with aclosing(self._blobs.read(sha256, 0, size_bytes)) as pieces:
                async for piece in pieces:
                    digest.update(piece)
        except MissingBlobError:
            return Finding(image_id=image_id, kind=Kind.NO_BLOB, detail=sha256)
        if digest.hexdigest() != sha256:
            return Finding(image_id=image_id, kind=Kind.DAMAGED, detail=sha256)
        verdict.pictures += 1
        verdict.picture_bytes += size_bytes
        return None


async def _chunks(connection: AsyncConnection) -> AsyncIterator[list[Actual]]:
    """Read the images that are the monolith's in order of id, also those that were refused."""
    after: int | None = None
    while True:
        chunk = sorted(
            [*await _rows(connection, after), *await _refused(connection, after)],
            key=lambda actual: actual.image_id,
        )[:_ROWS_AT_ONCE]
        if not chunk:
            return
        yield chunk
        after = chunk[-1].image_id


async def _rows(connection: AsyncConnection, after: int | None) -> list[Actual]:
    statement = (
        select(
            ImageRow.id,
            ImageRow.product_id,
            ImageRow.prompt,
            ImageRow.size,
            ImageRow.status,
            ImageRow.sha256,
            ImportedRow.refused,
        )
        .outerjoin(ImportedRow, ImportedRow.image_id == ImageRow.id)
        .where(ImageRow.id < FIRST_ID)
        .order_by(ImageRow.id)
        .limit(_ROWS_AT_ONCE)
    )
    if after is not None:
        statement = statement.where(ImageRow.id > after)
    return [
        Actual(
            image_id=image_id,
            row=Row(product_id=product_id, prompt=prompt, size=size, status=status),
            sha256=sha256,
            refused=refused,
        )
        for image_id, product_id, prompt, size, status, sha256, refused in await connection.execute(
            statement
        )
    ]


async def _refused(connection: AsyncConnection, after: int | None) -> list[Actual]:
    """Read those that are on record as refused and have no row."""
    statement = (
        select(ImportedRow.image_id, ImportedRow.refused)
        .outerjoin(ImageRow, ImportedRow.image_id == ImageRow.id)
        .where(ImageRow.id.is_(None), ImportedRow.refused.is_not(None))
        .order_by(ImportedRow.image_id)
        .limit(_ROWS_AT_ONCE)
    )
    if after is not None:
        statement = statement.where(ImportedRow.image_id > after)
    return [
        Actual(image_id=image_id, row=None, sha256=None, refused=refused)
        for image_id, refused in await connection.execute(statement)
    ]
