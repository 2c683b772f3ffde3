"""The database of ``IMAGE_DATABASE_URL``: an SQLite file, or PostgreSQL.

On SQLite a writing transaction holds the file's write lock from its first statement, so that
read-then-write needs no retry. Readers wait for nobody.
"""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import anyio
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from image_service.migrations import upgrade
from image_service.tasks import Tasks

T = TypeVar("T")
P = ParamSpec("P")
S = TypeVar("S", bound="_HasDatabase")

_BEGIN = "image_service_begin"
"""Execution option: SQLite's statement that begins a transaction; empty for none at all."""
# Another process may hold SQLite's write lock: a worker, or another service on the same file.
_LOCK_WAIT_S = 5.0
_SETUP_TRIES = 50
_SETUP_PAUSE_S = 0.1
# Any constant will do; every process of this service must take the same lock.
_SETUP_LOCK = 0x46494755
# SQLAlchemy's own five would let readers wait for the long transactions of several writers.
_POOL_SIZE = 10
# What is under way when the process ends; nobody waits for it.
_LAST_WORDS_S = 2.0


class Database:
    """An engine, and the two kinds of transactions on it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._tasks = Tasks()
        self._for_writing = engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._without = engine.execution_options(**{_BEGIN: ""})

    @property
    def is_sqlite(self) -> bool:
        """Whether it is an SQLite file."""
        return self.engine.dialect.name == "sqlite"

    async def prepare(self) -> None:
        """Bring the tables up to date; harmless when several processes do it at once."""
        if self.is_sqlite:
            await self._switch_to_wal()
        async with self.write() as connection:
            if not self.is_sqlite:
                await connection.execute(
                    text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SETUP_LOCK}
                )
            await connection.run_sync(upgrade)

    async def _switch_to_wal(self) -> None:
        for remaining in reversed(range(_SETUP_TRIES)):
            try:
                async with self._without.connect() as connection:
                    await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            except OperationalError as error:
                # Changing the journal mode does not wait for a lock as other statements do.
                if remaining == 0 or "locked" not in str(error.orig):
                    raise
                await anyio.sleep(_SETUP_PAUSE_S)
            else:
                return

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads, and sees one moment of an SQLite file."""
        async with self.engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that writes; committed unless the block raises."""
        async with self._for_writing.begin() as connection:
            yield connection

    async def keep(self, work: Coroutine[object, object, T]) -> T:
        """Await what a cancel of the caller must not break off within a statement.

        The driver would leave its connection open, and its thread behind.
        """
        return await asyncio.shield(self._tasks.spawn(work, name="database"))

    async def close(self) -> None:
        """Close the connections."""
        await self._tasks.drain(_LAST_WORDS_S)
        await self.engine.dispose()


class _HasDatabase(Protocol):
    _database: Database


def unbroken(
    method: Callable[Concatenate[S, P], Coroutine[object, object, T]],
) -> Callable[Concatenate[S, P], Coroutine[object, object, T]]:
    """Let a method of who has a database run to its end, also when its caller is cancelled."""

    @functools.wraps(method)
    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.keep(method(self, *args, **kwargs))

    return run


def open_database(url: URL) -> Database:
    """Open a database; nothing is connected before the first use.

    The errors it raises do not show what customers wrote (``hide_parameters``).
    """
    if url.get_backend_name() != "sqlite":
        # A connection that the server has closed meanwhile is replaced, not failed on.
        engine = create_async_engine(
            url, pool_pre_ping=True, pool_size=_POOL_SIZE, hide_parameters=True
        )
        return Database(engine)
    engine = create_async_engine(
        url,
        # Python's module begins transactions by itself only before some statements, and never
        # with IMMEDIATE.
        connect_args={"timeout": _LOCK_WAIT_S, "isolation_level": None},
        pool_size=_POOL_SIZE,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "connect", _set_up_connection)
    event.listen(engine.sync_engine, "begin", _begin)
    return Database(engine)


def _set_up_connection(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    # A paid order must survive a power cut: every commit reaches the disk.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get(_BEGIN, "BEGIN")
    if statement:
        connection.exec_driver_sql(statement)
