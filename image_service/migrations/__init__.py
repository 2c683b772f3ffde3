"""The tables' history: one module per change in `versions`, run in order at start.

A change already released is never edited; what comes later is a new module.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

HEAD = "0004"
"""The newest of them."""
_FIRST = "0001"


def upgrade(connection: Connection) -> None:
    """Bring the tables up to date on a connection whose transaction other writers wait for.

    A database from before there was a history has the tables of its first revision: it is
    stamped with that, and goes on from there.
    """
    there = inspect(connection)
    has_history = there.has_table("alembic_version")
    if has_history and connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD:
        return
    # Half a second that most starts need not wait.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    # A package, not a folder: alembic finds it wherever the wheel was unpacked.
    config.set_main_option("script_location", "image_service:migrations")
    config.attributes["connection"] = connection
    if there.has_table("images") and not has_history:
        command.stamp(config, _FIRST)
    command.upgrade(config, "head")
