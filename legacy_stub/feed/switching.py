"""The feed's switch: its tables and triggers are put in place, or taken away.

A feed whose triggers are not all there, or not as this version writes them, may have missed
something. There is no way to tell what, so it is made anew: another id, no events, and readers
begin again with a snapshot.
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from legacy_stub.errors import StartError
from legacy_stub.feed import capture

log = logging.getLogger("legacy_stub.feed")


def switch(engine: Engine, *, on: bool) -> str | None:
    """Switch the feed on or off; either is nothing new if it is so already.

    Safe when several processes do it at once, and while customers write.

    Returns:
        The feed's id; None when it is off.

    Raises:
        StartError: The database does not let us.
    """
    try:
        with engine.begin() as connection:
            capture.of(engine).lock(connection)
            if on:
                return _on(connection, capture.of(engine))
            _off(connection, capture.of(engine))
            return None
    except DBAPIError as error:
        raise StartError(
            where="change feed",
            why=f"its tables and triggers cannot be made ({str(error.orig).splitlines()[0]})",
            remedy="end what holds a lock on the tables product and image, or let the monolith's "
            "user make tables and triggers; LEGACY_CHANGES=off runs it without",
        ) from error


def _on(connection: Connection, kind: capture.Capture) -> str:
    if not kind.is_intact(connection):
        was_there = _remove(connection, kind)
        for statement in kind.STATEMENTS:
            connection.exec_driver_sql(statement)
        if was_there:
            log.warning(
                "the change feed was not as this version makes it: it begins anew, with another id"
            )
    return str(connection.scalar(text("SELECT id FROM outbox_feed")))


def _off(connection: Connection, kind: capture.Capture) -> None:
    if _remove(connection, kind):
        log.warning("the change feed is switched off: its events are gone")


def _remove(connection: Connection, kind: capture.Capture) -> bool:
    """Remove what is there; whether there was anything."""
    was_there = bool(connection.dialect.has_table(connection, "outbox_feed"))
    for statement in kind.REMOVAL:
        connection.exec_driver_sql(statement)
    return was_there
