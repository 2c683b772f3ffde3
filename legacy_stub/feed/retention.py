"""Removing old events: the one place where any are removed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from sqlalchemy import Connection, Engine, Row, text

from legacy_stub.feed import capture
from legacy_stub.feed.events import timestamp

BATCH = 1000  # events removed under one lock, in milliseconds: customers' writes wait for it

_OLDEST = text("SELECT position, id, timestamp FROM outbox ORDER BY position LIMIT :batch")

log = logging.getLogger("legacy_stub.feed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long events are kept.

    An event is removed once it is too old, or too many have followed it, but not before every
    reader with a name has acknowledged it. A reader that has said nothing for too long is no
    reader any more: what has been switched off must not fill the shop's disk.

    Attributes:
        days: Age at which an event goes.
        events: How many are kept, the newest ones.
        reader_days: Silence after which a reader with a name is forgotten.
    """

    days: int
    events: int
    reader_days: int


def floor_to(*, by_age: int, by_count: int, held: list[int]) -> int:
    """The position up to which events go.

    Args:
        by_age: All up to here are too old.
        by_count: Enough have followed all up to here.
        held: What each reader with a name has acknowledged.
    """
    return min([max(by_age, by_count), *held])


class Pruning:
    """Removes events from a database.

    Args:
        engine: Of the monolith's database.
        retention: What is kept.
        clock: Says what time it is, in UTC.
    """

    def __init__(self, engine: Engine, retention: Retention, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._retention = retention
        self._clock = clock

    def prune(self) -> int:
        """Remove what may go; return how many events that were."""
        return sum(self.batches())

    def batches(self) -> Iterator[int]:
        """Remove what may go, a batch with each step; yield how many events that were.

        Whoever takes the steps rests between them: SQLite keeps no queue of who waits to write.
        """
        with capture.reading(self._engine) as (connection, _):
            # once, and beside the writers: it looks at as many events as are kept
            by_count = self._too_many(connection)
        while batch := self._prune_some(by_count):
            yield batch

    def _prune_some(self, by_count: int) -> int:
        with capture.reading(self._engine) as (_, bound):
            pass
        with capture.writing(self._engine) as connection:
            self._forget_readers(connection)
            oldest = connection.execute(_OLDEST, {"batch": BATCH}).all()
            floor = floor_to(
                by_age=self._too_old(oldest),
                by_count=by_count,
                held=list(connection.scalars(text("SELECT position FROM outbox_reader"))),
            )
            return _remove(connection, oldest, min(floor, bound))

    def _forget_readers(self, connection: Connection) -> None:
        since = timestamp(self._clock() - timedelta(days=self._retention.reader_days))
        forgotten = connection.execute(
            text("DELETE FROM outbox_reader WHERE acknowledged_at < :since RETURNING name"),
            {"since": since},
        )
        for name in forgotten.scalars():
            log.warning(
                "the change feed's reader %r has acknowledged nothing for %d days: events are no "
                "longer kept for it",
                name,
                self._retention.reader_days,
            )

    def _too_old(self, oldest: Sequence[Row[tuple[int, str, str]]]) -> int:
        """The last position before the first event that is young enough; 0 if there is none."""
        since = timestamp(self._clock() - timedelta(days=self._retention.days))
        old = takewhile(lambda event: event.timestamp < since, oldest)
        return max((event.position for event in old), default=0)

    def _too_many(self, connection: Connection) -> int:
        """The position of the newest event that is one too many; 0 if none is."""
        found = connection.scalar(
            text("SELECT position FROM outbox ORDER BY position DESC LIMIT 1 OFFSET :events"),
            {"events": self._retention.events},
        )
        return 0 if found is None else int(found)


def _remove(connection: Connection, oldest: Sequence[Row[tuple[int, str, str]]], floor: int) -> int:
    """Remove those of a batch that are up to a position and note it; return how many went."""
    going = [event for event in oldest if event.position <= floor]
    if not going:
        return 0
    last = going[-1]
    connection.execute(text("DELETE FROM outbox WHERE position <= :last"), {"last": last.position})
    connection.execute(
        text("UPDATE outbox_feed SET floor = :position, floor_event = :event"),
        {"position": last.position, "event": str(last.id)},
    )
    return len(going)
