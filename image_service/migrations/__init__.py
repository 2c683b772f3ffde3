"""The tables' history: one module per change in `versions`, run in order at start.

A change already released is never edited; what comes later is a new module.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect

_FIRST = "0001"


def upgrade(connection: Connection) -> None:
    """Bring the tables up to date on a connection whose transaction other writers wait for.

    A database from before there was a history has the tables of its first revision: it is
    stamped with that, and goes on from there.
    """
    config = Config()
    # A package, not a folder: alembic finds it wherever the wheel was unpacked.
    config.set_main_option("script_location", "image_service:migrations")
    config.attributes["connection"] = connection
    there = inspect(connection)
    if there.has_table("images") and not there.has_table("alembic_version"):
        command.stamp(config, _FIRST)
    command.upgrade(config, "head")
