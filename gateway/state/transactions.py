"""How transactions begin, on both databases.

Writers take turns: a writing transaction holds the whole database's write lock from its first
statement, so that read-then-insert needs no retry. Control alone writes, and rarely; only several
gateways on one PostgreSQL ever wait. Readers wait for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from sqlalchemy import Connection, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.state.faults import LOCK_WAIT_S, code_of

_BEGIN = "figueira_begin"
"""Execution option: SQLite's statement that begins a transaction; empty for none at all."""
_WAL_PAUSE_S = 0.01
"""A first start holds the lock for a few of these."""
_LOCK_KEY = 0x66696775
"""``figu``: any number, if only every Figueira names the same one."""
_LOCK_WAIT = text(f"SELECT set_config('lock_timeout', '{LOCK_WAIT_S}s', true)")
_LOCK = text(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that only reads and sees one moment of an SQLite file."""
    async with engine.begin() as connection:
        yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that no other writer overlaps; committed at the end, undone by an error."""
    async with engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"}).begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(_LOCK_WAIT)
            await connection.execute(_LOCK)
        yield connection


async def connect_first(engine: AsyncEngine) -> None:
    """Prove that the database answers, and switch an SQLite file to WAL, which it remembers.

    In WAL readers and the writer do not wait for each other. SQLite ignores its busy timeout for
    the switch itself, so a process that starts at the same moment is waited for here.
    """
    async with engine.execution_options(**{_BEGIN: ""}).connect() as connection:
        if engine.dialect.name != "sqlite":
            return
        give_up_at_s = monotonic() + LOCK_WAIT_S
        while not await _is_switched(  # noqa: ASYNC110 - another process signals nothing
            connection, is_last=monotonic() >= give_up_at_s
        ):
            await asyncio.sleep(_WAL_PAUSE_S)


def prepare_sqlite(engine: AsyncEngine) -> None:
    """Make an SQLite engine's connections fit for the functions above.

    The engine must be created with ``isolation_level=None`` for the driver: Python's module
    begins transactions by itself only before INSERT, UPDATE and DELETE, and not with IMMEDIATE.
    """
    event.listen(engine.sync_engine, "connect", _enforce_foreign_keys)
    event.listen(engine.sync_engine, "begin", _begin)


async def _is_switched(connection: AsyncConnection, *, is_last: bool) -> bool:
    try:
        await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    except OperationalError as error:
        if is_last or code_of(error) != "SQLITE_BUSY":
            raise
        return False
    return True


def _enforce_foreign_keys(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA foreign_keys = ON")
    finally:
        cursor.close()


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get(_BEGIN, "BEGIN")
    if statement:
        connection.exec_driver_sql(statement)
