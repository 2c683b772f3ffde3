"""The tables' history: one module per change in `versions`, run in order at start.

A change already released is never edited; what comes later is a new module.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.state.transactions import writing


async def upgrade(engine: AsyncEngine) -> None:
    """Bring the tables up to date, all steps in one transaction.

    The write lock makes processes that start at once take turns; the later ones find nothing to
    do.
    """
    async with writing(engine) as connection:
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = Config()
    # A package, not a folder: alembic finds it wherever the wheel was unpacked.
    config.set_main_option("script_location", "gateway.state:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
