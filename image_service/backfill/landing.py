"""Where imported images land: rows and progress in one transaction, or neither."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, fields

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import delete, insert

from image_service.backfill.errors import MovedOnError
from image_service.backfill.events import Change, Put, Refused
from image_service.backfill.progress import Pending, Progress
from image_service.backfill.rows import ImportedRow, ImportRow
from image_service.database import Database, unbroken
from image_service.models import FIRST_ID, ImageRow

SOURCE = "monolith"
"""Also what stands as the provider of an imported image."""
# Databases take some thousands of parameters in a statement, SQLite the fewest.
_AT_ONCE = 500
# Images that are being made are among the newest.
_NEWEST = 200
_FIELDS = tuple(field.name for field in fields(Progress))


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A change whose picture, if it has one that can be had, is in the blob store.

    Attributes:
        change: What the feed said.
        sha256: The picture; None without one.
        refused: Why the row or its picture is not here; None if it is.
    """

    change: Change
    sha256: str | None = None
    refused: str | None = None


class Landing:
    """Reads and writes the import's side of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unbroken
    async def load(self) -> Progress | None:
        """Return where the import stands; None when there never was one."""
        async with self._database.read() as connection:
            return await read_progress(connection)

    async def begin(self) -> Progress:
        """Return where the import stands, and put the beginning on record when there is none."""
        progress = await self.load()
        if progress is None:
            # Another import may begin at the same moment.
            with suppress(IntegrityError):
                await self._insert(Progress())
            progress = await self.load()
        return progress or Progress()

    @unbroken
    async def _insert(self, progress: Progress) -> None:
        async with self._database.write() as connection:
            await connection.execute(insert(ImportRow).values(source=SOURCE, **asdict(progress)))

    @unbroken
    async def pictures(self, image_ids: Sequence[int]) -> dict[int, str]:
        """Return the sha256 of those images that have a picture here."""
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(ImageRow.id, ImageRow.sha256).where(ImageRow.id.in_(image_ids))
            )
            return {image_id: sha256 for image_id, sha256 in rows if sha256 is not None}

    @unbroken
    async def commit(self, before: Progress, after: Progress, landed: Sequence[Landed]) -> None:
        """Write changes, each image's once, and where the import stands with them.

        Raises:
            MovedOnError: It does not stand at ``before`` any more; nothing is written.
        """
        async with self._database.write() as connection:
            await _move(connection, before, after)
            for start in range(0, len(landed), _AT_ONCE):
                await _write(connection, landed[start : start + _AT_ONCE], round_=after.round)

    @unbroken
    async def sweep(self, progress: Progress) -> int:
        """Remove some images that this round has not told of; return how many, 0 for no more.

        Raises:
            MovedOnError: Another import is at it.
        """
        async with self._database.write() as connection:
            # Holds the row, so that no later round begins meanwhile.
            await _move(connection, progress, progress)
            old = list(
                await connection.scalars(
                    select(ImportedRow.image_id)
                    .where(ImportedRow.round < progress.round)
                    .limit(_AT_ONCE)
                )
            )
            await _remove(connection, old)
            return len(old)

    @unbroken
    async def newest_pending(self) -> list[Pending]:
        """Return those of the newest imported images that have no picture yet."""
        newest = (
            select(ImageRow.id, ImageRow.status, ImageRow.created_at)
            .where(ImageRow.id < FIRST_ID)
            .order_by(ImageRow.id.desc())
            .limit(_NEWEST)
        )
        async with self._database.read() as connection:
            rows = await connection.execute(newest)
            return [
                Pending(image_id=image_id, created_at=created_at)
                for image_id, status, created_at in rows
                if status == "pendente"
            ]

    @unbroken
    async def counts(self) -> tuple[int, int]:
        """Return how many images are on record as imported, and how many of them are refused."""
        async with self._database.read() as connection:
            row = (
                await connection.execute(
                    select(func.count(), func.count(ImportedRow.refused)).select_from(ImportedRow)
                )
            ).one()
        return row[0], row[1]

    @asynccontextmanager
    async def one_moment(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that sees one moment of the database, however long it reads."""
        async with self._database.read() as connection:
            if self._database.is_sqlite:
                yield connection
            else:
                yield await connection.execution_options(isolation_level="REPEATABLE READ")


async def read_progress(connection: AsyncConnection) -> Progress | None:
    """Return where the import stands; None when there never was one."""
    columns = [getattr(ImportRow, name) for name in _FIELDS]
    row = (
        await connection.execute(select(*columns).where(ImportRow.source == SOURCE))
    ).one_or_none()
    return None if row is None else Progress(**dict(zip(_FIELDS, row, strict=True)))


async def _move(connection: AsyncConnection, before: Progress, after: Progress) -> None:
    result = await connection.execute(
        update(ImportRow)
        .where(
            ImportRow.source == SOURCE,
            ImportRow.feed == before.feed,
            ImportRow.cursor == before.cursor,
            ImportRow.round == before.round,
        )
        .values(**asdict(after))
    )
    if result.rowcount == 0:
        raise MovedOnError


async def _write(connection: AsyncConnection, landed: Sequence[Landed], *, round_: int) -> None:
    await _remove(connection, [one.change.image_id for one in landed])
    images = [_image(one.change, one.sha256) for one in landed if isinstance(one.change, Put)]
    told = [
        {"image_id": one.change.image_id, "round": round_, "refused": one.refused}
        for one in landed
        if isinstance(one.change, Put | Refused)
    ]
    if images:
        await connection.execute(insert(ImageRow), images)
    if told:
        await connection.execute(insert(ImportedRow), told)


async def _remove(connection: AsyncConnection, image_ids: Sequence[int]) -> None:
    await connection.execute(delete(ImageRow).where(ImageRow.id.in_(image_ids)))
    await connection.execute(delete(ImportedRow).where(ImportedRow.image_id.in_(image_ids)))


def _image(put: Put, sha256: str | None) -> dict[str, object]:
    return {
        "id": put.image_id,
        "prompt": put.prompt,
        "product_id": put.product_id,
        "size": put.size,
        "status": put.status,
        "sha256": sha256,
        "provider": SOURCE,
        # Older than the feed: nobody knows.
        "created_at": put.created_at or 0.0,
    }
