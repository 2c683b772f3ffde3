"""The tables' history, run on both databases."""

from __future__ import annotations

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from gateway.state.database import Database, open_database
from gateway.state.models import Base


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


async def test_the_migrations_make_the_tables_that_the_models_describe(database: Database) -> None:
    async with database.read() as connection:
        assert await connection.run_sync(_differences) == []


async def test_an_upgrade_of_current_tables_changes_nothing(database: Database) -> None:
    await database.upgrade()
    async with database.read() as connection:
        assert await connection.run_sync(_differences) == []


async def test_gateways_that_start_at_once_upgrade_one_database_once(url: str) -> None:
    databases = [open_database(url) for _ in range(4)]
    try:
        await asyncio.gather(*(database.upgrade() for database in databases))
        async with databases[0].read() as connection:
            versions = await connection.exec_driver_sql("SELECT version_num FROM alembic_version")
            assert versions.all() == [("0001",)]
    finally:
        for database in databases:
            await database.close()
