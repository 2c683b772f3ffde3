"""How far the feed goes, and whether a reader can go on from where it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, text

from legacy_stub.feed.cursor import Cursor, Row, mark
from legacy_stub.feed.errors import GoneError


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The feed as of one moment.

    Attributes:
        feed: Its id, a UUID.
        since: When it was made: UTC, ISO 8601.
        floor: Events up to this position have been removed; 0: none has.
        floor_event: The id of the event at ``floor``; empty if there was none.
        last: The position of the last event that can be read; ``floor`` if there is none.
    """

    feed: str
    since: str
    floor: int
    floor_event: str
    last: int

    def after(self, position: int, event: str) -> Cursor:
        """The cursor of who has read an event, or of who has read none, with an empty id."""
        return Cursor(position=position, feed=mark(self.feed), event=mark(event))


def look(connection: Connection, bound: int) -> Standing:
    """See how far the feed goes, in the transaction that reads up to ``bound``."""
    row = connection.execute(text("SELECT id, since, floor, floor_event FROM outbox_feed")).one()
    last = connection.scalar(
        text("SELECT max(position) FROM outbox WHERE position <= :bound"), {"bound": bound}
    )
    return Standing(
        feed=row.id,
        since=row.since,
        floor=row.floor,
        floor_event=row.floor_event,
        last=row.floor if last is None else last,
    )


def begin(connection: Connection, standing: Standing) -> Cursor:
    """Where a new reader begins, with a snapshot.

    After it come all events if they are all there; otherwise those from now on, so that the reader
    has the whole time of retention to get through its snapshot.
    """
    position = 0 if standing.floor == 0 else standing.last
    cursor = standing.after(position, _event_at(connection, standing, position) or "")
    return Cursor(position=position, feed=cursor.feed, event=cursor.event, row=Row())


def check(connection: Connection, standing: Standing, after: Cursor) -> None:
    """Make sure that a reader misses nothing when it goes on after a cursor.

    Raises:
        GoneError: It would.
    """
    if after.feed != mark(standing.feed):
        raise GoneError(
            "another_feed",
            standing.feed,
            "the feed that this cursor is of exists no more: the database was replaced, or the "
            "feed was made anew",
        )
    if after.position < standing.floor:
        raise GoneError(
            "pruned",
            standing.feed,
            f"events up to {standing.floor} have been removed, those after {after.position} among "
            "them",
        )
    read = [(after.position, after.event)]
    if after.row is not None and after.row.seen is not None:
        read.append((after.row.seen, after.row.seen_event))
    for position, event in read:
        found = _event_at(connection, standing, position)
        if found is None or mark(found) != event:
            raise GoneError(
                "diverged",
                standing.feed,
                f"the event at {position} is not the one that was read: the database was restored "
                "from a backup",
            )


def row_at(connection: Connection, standing: Standing, after: Cursor, row: Row) -> Row:
    """A row that a snapshot has come to, with the newest event of now, if there is one."""
    if standing.last <= after.position:
        return row
    seen_event = mark(_event_at(connection, standing, standing.last) or "")
    return replace(row, seen=standing.last, seen_event=seen_event)


def _event_at(connection: Connection, standing: Standing, position: int) -> str | None:
    """The id of an event, also of the one removed last; None if none is there."""
    if position == standing.floor:
        return standing.floor_event
    found = connection.scalar(
        text("SELECT id FROM outbox WHERE position = :position"), {"position": position}
    )
    return None if found is None else str(found)
