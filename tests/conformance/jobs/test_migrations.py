"""The tables that the history makes are those that the models describe, on both databases."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from image_service import shared_clock
from image_service.backfill import rows as imports
from image_service.database import open_database
from image_service.jobs import rows
from image_service.ledger import rows as accounts
from image_service.models import Base

# Whoever imports them adds their tables to the models'.
_TABLES = (rows, accounts, imports, shared_clock)


async def test_the_models_are_what_the_history_makes(database_url: str) -> None:
    database = open_database(make_url(database_url))

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    try:
        await database.prepare()
        async with database.read() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await database.close()
