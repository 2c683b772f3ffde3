"""Locks: who waits for whom."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.errors import StartError
from gateway.state.database import Database, open_database
from gateway.state.faults import Place
from gateway.state.transactions import prepare_sqlite


async def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    """And sees nothing of what is not committed."""
    async with database.write() as writer:
        await writer.exec_driver_sql("DELETE FROM alembic_version")
        async with database.read() as reader:
            rows = (await reader.exec_driver_sql("SELECT version_num FROM alembic_version")).all()
    assert len(rows) == 1


async def test_writers_take_turns(database: Database) -> None:
    """Each finds what the one before it left, so a count is never lost."""
    async with database.write() as connection:
        await connection.exec_driver_sql("CREATE TABLE seats (taken INTEGER)")
        await connection.exec_driver_sql("INSERT INTO seats VALUES (0)")

    async def take() -> None:
        async with database.write() as connection:
            taken = (await connection.exec_driver_sql("SELECT taken FROM seats")).scalar_one()
            await connection.execute(text("UPDATE seats SET taken = :new"), {"new": taken + 1})

    await asyncio.gather(*(take() for _ in range(8)))
    async with database.read() as connection:
        assert (await connection.exec_driver_sql("SELECT taken FROM seats")).scalar_one() == 8


async def test_a_file_that_stays_locked_is_reported(tmp_path: Path) -> None:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path}/figueira.db",
        connect_args={"isolation_level": None, "timeout": 0},
    )
    prepare_sqlite(engine)
    database = Database(engine, Place(shown="figueira.db", kind="sqlite"))
    await database.upgrade()
    try:
        async with database.write():
            with pytest.raises(StartError, match="database is locked; another process"):
                await _write_nothing(database)
    finally:
        await database.close()


async def test_a_start_waits_for_another_that_writes_the_new_file(tmp_path: Path) -> None:
    """The switch to WAL is refused at once while somebody writes; it is tried again."""
    other = sqlite3.connect(tmp_path / "figueira.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    database = open_database(f"sqlite+aiosqlite:///{tmp_path}/figueira.db")
    event.listen(database.engine.sync_engine, "handle_error", lambda _: other.close())
    try:
        await database.upgrade()
        async with database.read() as connection:
            mode = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one()
    finally:
        await database.close()
        other.close()
    assert mode == "wal"


async def _write_nothing(database: Database) -> None:
    async with database.write():
        pass
