"""Readers with a name: they say what they have taken in, and nothing after it is removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from legacy_stub.feed import capture, standing
from legacy_stub.feed.cursor import Cursor
from legacy_stub.feed.errors import TooManyReadersError
from legacy_stub.feed.events import timestamp

MOST_READERS = 64  # each can keep the database from shrinking


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A reader with a name.

    Attributes:
        position: Events up to here it has taken in.
        cursor: Where it goes on.
        at: When it said so: UTC, ISO 8601.
    """

    name: str
    position: int
    cursor: str
    at: str


class Readers:
    """The table ``outbox_reader``."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def all(self) -> tuple[Acknowledged, ...]:
        """Every reader with a name, by name."""
        with capture.reading(self._engine) as (connection, _):
            return _all(connection)

    def acknowledge(self, name: str, after: Cursor | None) -> Acknowledged:
        """Note what a reader has taken in; a name that is new is a new reader.

        Going back is allowed: a reader may have been restored from a backup of its own.

        Args:
            name: The reader's.
            after: The last cursor it is done with; None: it has not begun.

        Raises:
            GoneError: It cannot go on from there.
            TooManyReadersError: There are as many as there may be.
        """
        with capture.reading(self._engine) as (_, bound):
            pass
        with capture.writing(self._engine) as connection:
            now = standing.look(connection, bound)
            if after is None:
                after = standing.begin(connection, now)
            else:
                standing.check(connection, now, after)
            if len([one for one in _all(connection) if one.name != name]) >= MOST_READERS:
                raise TooManyReadersError(MOST_READERS)
            reader = Acknowledged(
                name=name,
                position=after.position,
                cursor=str(after),
                at=timestamp(self._clock()),
            )
            _forget(connection, name)
            connection.execute(
                text("INSERT INTO outbox_reader VALUES (:name, :position, :cursor, :at)"),
                {
                    "name": name,
                    "position": reader.position,
                    "cursor": reader.cursor,
                    "at": reader.at,
                },
            )
        return reader

    def forget(self, name: str) -> bool:
        """Hold nothing for a reader any more; whether there was one."""
        with capture.writing(self._engine) as connection:
            return _forget(connection, name)


def _all(connection: Connection) -> tuple[Acknowledged, ...]:
    found = connection.execute(
        text("SELECT name, position, cursor, acknowledged_at FROM outbox_reader ORDER BY name")
    )
    return tuple(
        Acknowledged(name=name, position=position, cursor=cursor, at=at)
        for name, position, cursor, at in found
    )


def _forget(connection: Connection, name: str) -> bool:
    done = connection.execute(text("DELETE FROM outbox_reader WHERE name = :name"), {"name": name})
    return done.rowcount > 0
