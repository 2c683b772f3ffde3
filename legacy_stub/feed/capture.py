"""What the two databases have in common, and the names of what is captured.

Both keep four tables:

- ``outbox``: the events, under Debezium's names, in order of ``position``
- ``outbox_row``: one line for each row of a captured table that exists now
- ``outbox_feed``: the feed's id, and up to where events have been removed
- ``outbox_reader``: who has acknowledged what
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from sqlalchemy import Connection, Engine

from legacy_stub.feed import postgresql, sqlite


class Capture(Protocol):
    """How one kind of database captures changes; a module each."""

    STATEMENTS: tuple[str, ...]
    """Make the tables, their lines for the rows that exist already, and the triggers."""
    REMOVAL: tuple[str, ...]
    """Take all of that away, or what is left of it."""
    PAYLOADS: Mapping[str, str]
    """Aggregate -> SQL of its payload, from the row ``t`` and its line ``r`` in outbox_row."""

    def shown(self, payload: str) -> str:
        """SQL of a payload as the driver is to hand it over: as bytes or as text."""

    def lock(self, connection: Connection) -> None:
        """Let no other process switch the feed on or off until the transaction ends."""

    def is_intact(self, connection: Connection) -> bool:
        """Whether everything is in place, and as this version makes it."""

    def bound(self, connection: Connection) -> int:
        """The position up to which no event can appear any more.

        To be called before the transaction that reads the events begins.
        """

    def begin_reading(self, connection: Connection) -> None:
        """Begin a transaction in which all is seen as of one moment."""

    def begin_writing(self, connection: Connection) -> None:
        """Begin a transaction that changes the feed's own tables, alone among such."""


def of(engine: Engine) -> Capture:
    """The one for an engine's kind of database."""
    return sqlite if engine.dialect.name == "sqlite" else postgresql


@contextmanager
def reading(engine: Engine) -> Iterator[tuple[Connection, int]]:
    """A transaction that reads as of one moment; with the bound of what may be read."""
    capture = of(engine)
    with engine.connect() as connection:
        bound = capture.bound(connection)
        connection.rollback()
        capture.begin_reading(connection)
        yield connection, bound


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction on the feed's own tables; committed unless the block raises."""
    with engine.begin() as connection:
        of(engine).begin_writing(connection)
        yield connection
