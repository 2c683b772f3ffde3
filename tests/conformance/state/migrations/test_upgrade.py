"""The tables' history, run on both databases."""

from __future__ import annotations

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, DateTime, LargeBinary, MetaData, String, Table

from gateway.state.database import Database, open_database
from gateway.state.kept import UNKNOWN
from gateway.state.revisions import Revisions
from gateway.state.run_models import EpochRow
from tests.support.counted import AT


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), EpochRow.metadata))


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
            assert versions.all() == [("0003",)]
    finally:
        for database in databases:
            await database.close()


async def test_revisions_of_a_gateway_before_origins_were_kept_are_kept_on(url: str) -> None:
    """They have no author and no difference, and the next one is told apart from them."""
    database = open_database(url)
    try:
        await database.upgrade()
        async with database.write() as connection:
            await connection.run_sync(_downgrade)
        await database.upgrade()
        revisions = Revisions(database)
        await revisions.accept("2" * 64, b"two\n", AT)
        second, first = await revisions.before(None, 10)
    finally:
        await database.close()
    assert (first.digest, first.origin, first.diff) == ("1" * 64, UNKNOWN, None)
    assert second.diff == "@@ -1 +1 @@\n-one\n+two"


def _downgrade(connection: Connection) -> None:
    """Make the tables what version 0001 made them, with a revision."""
    for table in ("examples", "fingerprints", "strata", "epochs", "pending", "resets"):
        connection.exec_driver_sql(f"DROP TABLE run_{table}")
    connection.exec_driver_sql("DROP TABLE refusals")
    for column in ("author", "how", "restores", "diff"):
        connection.exec_driver_sql(f"ALTER TABLE revisions DROP COLUMN {column}")
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    revisions = Table(
        "revisions",
        MetaData(),
        Column("accepted_at", DateTime(timezone=True)),
        Column("digest", String),
        Column("text", LargeBinary),
    )
    connection.execute(revisions.insert().values(accepted_at=AT, digest="1" * 64, text=b"one\n"))
