"""The database of images: rows in, images out. SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import anyio
from sqlalchemy import Row, event, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql import delete, insert

from image_service.contract import SIZES, Order
from image_service.models import FIRST_ID, Base, ImageRow

Status = Literal["pendente", "pronta", "falhou"]

# Another process may hold SQLite's write lock while it creates the schema.
_LOCK_WAIT_S = 5.0
_SETUP_TRIES = 20
_SETUP_PAUSE_S = 0.1
# Any constant will do; every process of this service must take the same lock.
_SETUP_LOCK = 0x46494755

_COLUMNS = (
    ImageRow.id,
    ImageRow.prompt,
    ImageRow.product_id,
    ImageRow.size,
    ImageRow.status,
    ImageRow.sha256,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """An image as the database holds it; ``sha256`` is None until it is ``pronta``."""

    image_id: int
    order: Order
    status: Status
    sha256: str | None


class Store:
    """Reads and writes images; every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def prepare(self) -> None:
        """Create what is missing of the schema; harmless when several processes do it at once."""
        if self._engine.dialect.name == "sqlite":
            await _prepare_sqlite(self._engine)
        else:
            async with self._engine.begin() as connection:
                # CREATE TABLE IF NOT EXISTS itself fails when two run it at the same moment.
                await connection.execute(
                    text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SETUP_LOCK}
                )
                await connection.run_sync(Base.metadata.create_all)

    async def add(self, order: Order, *, provider: str, now: float) -> int:
        """Commit an order as ``pendente`` and return its id."""
        statement = insert(ImageRow).values(
            prompt=order.prompt,
            product_id=order.product_id,
            size=str(order.size),
            status="pendente",
            provider=provider,
            created_at=now,
        )
        async with self._engine.begin() as connection:
            image_id = await connection.scalar(statement.returning(ImageRow.id))
        if not isinstance(image_id, int):
            raise TypeError(f"INSERT ... RETURNING id answered {image_id!r}")
        return image_id

    async def finish(self, image_id: int, *, sha256: str, now: float) -> bool:
        """Mark an image ``pronta``; False when it was deleted meanwhile."""
        return await self._settle(image_id, status="pronta", sha256=sha256, finished_at=now)

    async def fail(self, image_id: int, *, failure: str, now: float) -> bool:
        """Mark an image ``falhou``; False when it was deleted meanwhile."""
        return await self._settle(image_id, status="falhou", failure=failure, finished_at=now)

    async def _settle(self, image_id: int, **values: str | float) -> bool:
        statement = update(ImageRow).where(ImageRow.id == image_id).values(**values)
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).rowcount == 1

    async def get(self, image_id: int) -> StoredImage | None:
        """Return an image, None when there is none."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(select(*_COLUMNS).where(ImageRow.id == image_id))
            ).one_or_none()
        return None if row is None else _stored(row)

    async def all(self) -> Sequence[StoredImage]:
        """Return every image in order of id."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(*_COLUMNS).order_by(ImageRow.id))
        return [_stored(row) for row in rows]

    async def remove(self, image_id: int) -> bool:
        """Delete an image's row, not its blob; False when there is none."""
        async with self._engine.begin() as connection:
            result = await connection.execute(delete(ImageRow).where(ImageRow.id == image_id))
            return result.rowcount == 1

    async def check(self) -> None:
        """Read from the table.

        Raises:
            SQLAlchemyError: It does not answer.
            OSError: It cannot be reached.
        """
        async with self._engine.connect() as connection:
            await connection.execute(select(ImageRow.id).limit(1))

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()


def open_store(url: URL) -> Store:
    """Open a database; nothing is connected before the first use.

    The errors it raises do not show what customers wrote (``hide_parameters``).
    """
    if url.get_backend_name() != "sqlite":
        # A connection that the server has closed meanwhile is replaced, not failed on.
        return Store(create_async_engine(url, pool_pre_ping=True, hide_parameters=True))
    engine = create_async_engine(url, connect_args={"timeout": _LOCK_WAIT_S}, hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _set_up_connection)
    return Store(engine)


def _set_up_connection(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    # A paid order must survive a power cut: every commit reaches the disk.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


async def _prepare_sqlite(engine: AsyncEngine) -> None:
    """Create the schema and set the first id, trying again while another process does."""
    for remaining in reversed(range(_SETUP_TRIES)):
        try:
            async with engine.connect() as plain:
                connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
                # Readers and the writer do not wait for each other. The mode stays in the file.
                await connection.execute(text("PRAGMA journal_mode=WAL"))
                await _create_sqlite_schema(connection)
        except OperationalError as error:
            # Changing the journal mode does not wait for a lock as other statements do.
            if remaining == 0 or "locked" not in str(error.orig):
                raise
            await anyio.sleep(_SETUP_PAUSE_S)
        else:
            return


async def _create_sqlite_schema(connection: AsyncConnection) -> None:
    await connection.execute(text("BEGIN IMMEDIATE"))
    try:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(
            text(
                "INSERT INTO sqlite_sequence (name, seq) SELECT :name, :seq "
                "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :name)"
            ),
            {"name": ImageRow.__tablename__, "seq": FIRST_ID - 1},
        )
    except BaseException:
        await connection.execute(text("ROLLBACK"))
        raise
    await connection.execute(text("COMMIT"))


def _stored(row: Row[int, str, int | None, str, str, str | None]) -> StoredImage:
    image_id, prompt, product_id, size, status, sha256 = row
    return StoredImage(
        image_id=image_id,
        order=Order(prompt=prompt, size=SIZES[size], product_id=product_id),
        status=_STATUSES[status],
        sha256=sha256,
    )


_STATUSES: dict[str, Status] = {"pendente": "pendente", "pronta": "pronta", "falhou": "falhou"}
