"""The tables' history: one module per change in `versions`, run in order at start.

A change already released is never edited; what comes later is a new module.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from image_service.errors import ImageServiceError

HEAD = "0006"
"""The newest of them."""
_FIRST = "0001"


class NewerTablesError(ImageServiceError):
    """The tables are those of a later version, which this one cannot use.

    Attributes:
        revision: Their revision.
    """

    def __init__(self, revision: str) -> None:
        super().__init__(revision)
        self.revision = revision

    def __str__(self) -> str:
        return f"its tables are at revision {self.revision}, this version knows them up to {HEAD}"


def upgrade(connection: Connection) -> None:
    """Bring the tables up to date on a connection whose transaction other writers wait for.

    A database from before there was a history has the tables of its first revision: it is
    stamped with that, and goes on from there.

    Raises:
        NewerTablesError: A later version has changed them.
    """
    there = inspect(connection)
    has_history = there.has_table("alembic_version")
    if has_history:
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if revision == HEAD:
            return
        # Four digits each, so that they compare as numbers do.
        if revision is not None and revision > HEAD:
            raise NewerTablesError(revision)
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
