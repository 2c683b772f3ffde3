"""Pages of events.

A reader that begins gets every row that no event will bring it, as events of type ``read``, and
then the events. This snapshot is no copy that somebody has made: it is read from the tables
themselves, page by page, and leaves out what was touched after the event it began after. So it
costs nothing until it is read, goes on where it stopped, fits the events without a seam, and
whoever comes when the first events are long gone gets one as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain

from sqlalchemy import Connection, Engine, text

from legacy_stub.feed import capture, pictures, standing
from legacy_stub.feed.cursor import AGGREGATES, LARGEST, Cursor, Row
from legacy_stub.feed.events import Event, Page, id_of_read, read_payload, timestamp
from legacy_stub.feed.standing import Standing

PAGE_BYTES = 1024 * 1024  # of payloads in one answer: some thousand of the usual size
DIGEST_BYTES = 64 * 1024 * 1024  # of pictures read for one answer: 0.1 s


class Reader:
    """Reads pages from a database.

    Args:
        engine: Of the monolith's database.
        clock: Says what time it is, in UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._capture = capture.of(engine)
        self._clock = clock

    def standing(self) -> Standing:
        """How far the feed goes now."""
        with capture.reading(self._engine) as (connection, bound):
            return standing.look(connection, bound)

    def held_back(self) -> int:
        """How many events stand behind a transaction that is still open (PostgreSQL alone)."""
        with capture.reading(self._engine) as (connection, bound):
            held = text("SELECT count(*) FROM outbox WHERE position > :bound")
            return int(connection.scalar(held, {"bound": bound}) or 0)

    def page(self, after: Cursor | None, limit: int) -> Page:
        """Read what follows a cursor; None is the beginning.

        Args:
            after: What the page before gave.
            limit: At most this many events; 1 or more.

        Raises:
            GoneError: The reader has to begin again.
        """
        with capture.reading(self._engine) as (connection, bound):
            now = standing.look(connection, bound)
            if after is None:
                after = standing.begin(connection, now)
            else:
                standing.check(connection, now, after)
            found = chain(
                self._snapshot(connection, now, after, limit + 1),
                self._events(connection, now, after, limit + 1),
            )
            page = _page(now, after, found, limit)
            digests = {
                event.id: pictures.digest(connection, event)
                for event in page.events
                if pictures.is_open(event)
            }
        self._settle(page, digests)
        for event in page.events:
            if event.file is not None:
                pictures.complete(event.file, event.aggregateid)
        return page

    def _snapshot(
        self, connection: Connection, now: Standing, after: Cursor, limit: int
    ) -> Iterator[tuple[Event, int]]:
        """The rows that a snapshot has not come to, each with its size in bytes."""
        if after.row is None:
            return
        first = AGGREGATES.index(after.row.aggregate)
        yield from self._rows(connection, now, after, limit)
        for aggregate in AGGREGATES[first + 1 :]:
            yield from self._rows(
                connection, now, replace(after, row=Row(aggregate=aggregate)), limit
            )

    def _rows(
        self, connection: Connection, now: Standing, after: Cursor, limit: int
    ) -> Iterator[tuple[Event, int]]:
        assert after.row is not None  # noqa: S101 - a snapshot is under way
        aggregate, read_up_to = after.row.aggregate, after.row.id
        payload = self._capture.shown(self._capture.PAYLOADS[aggregate])
        found = connection.execute(
            text(f"""SELECT t.id, r.generation, {payload} FROM {aggregate} t
                JOIN outbox_row r ON r.aggregatetype = '{aggregate}' AND r.aggregateid = t.id
                WHERE t.id >= :lowest AND r.touched <= :start
                ORDER BY t.id LIMIT :limit"""),  # noqa: S608 - all of it our own words
            {
                "lowest": -LARGEST - 1 if read_up_to is None else read_up_to + 1,
                "start": after.position,
                "limit": limit,
            },
        )
        read_at = timestamp(self._clock())
        place = standing.row_at(connection, now, after, Row(aggregate=aggregate))
        for row_id, generation, stored in found:
            event = Event(
                position=after.position,
                id=id_of_read(now.feed, aggregate, row_id, generation),
                aggregatetype=aggregate,
                aggregateid=str(row_id),
                type="read",
                timestamp=read_at,
                generation=generation,
                payload=read_payload(stored),
                cursor=replace(after, row=replace(place, id=row_id)),
            )
            yield event, len(stored)

    def _events(
        self, connection: Connection, now: Standing, after: Cursor, limit: int
    ) -> Iterator[tuple[Event, int]]:
        """The events after a cursor, each with its size in bytes."""
        found = connection.execute(
            text(f"""SELECT position, id, aggregatetype, aggregateid, type, timestamp, generation,
                {self._capture.shown("payload")} AS stored FROM outbox
                WHERE position > :after AND position <= :last
                ORDER BY position LIMIT :limit"""),  # noqa: S608 - all of it our own words
            {"after": after.position, "last": now.last, "limit": limit},
        )
        for row in found:
            event = Event(
                position=row.position,
                id=str(row.id),
                aggregatetype=row.aggregatetype,
                aggregateid=row.aggregateid,
                type=row.type,
                timestamp=row.timestamp,
                generation=row.generation,
                payload=read_payload(row.stored),
                cursor=now.after(row.position, str(row.id)),
            )
            yield event, len(row.stored)

    def _settle(self, page: Page, digests: dict[str, str | None]) -> None:
        """Put the digests into the events; keep those of events that are not of a snapshot."""
        stored = [event for event in page.events if event.id in digests and event.type != "read"]
        if stored:
            with capture.writing(self._engine) as connection:
                for event in stored:
                    kept = pictures.settle(connection, event.position, digests[event.id])
                    digests[event.id] = kept
        for event in page.events:
            if event.file is not None and event.id in digests:
                event.file["sha256"] = digests[event.id]


def _page(now: Standing, after: Cursor, found: Iterable[tuple[Event, int]], limit: int) -> Page:
    """Take events while they fit, the first one in any case."""
    events: list[Event] = []
    cursor, has_more = replace(after, row=None), False
    left_bytes, left_digest_bytes = PAGE_BYTES, DIGEST_BYTES
    for event, size in found:
        left_bytes -= size
        if event.file is not None and pictures.is_open(event):
            left_digest_bytes -= int(str(event.file["bytes"]))
        if events and (len(events) == limit or left_bytes < 0 or left_digest_bytes < 0):
            cursor, has_more = events[-1].cursor, True
            break
        events.append(event)
        cursor = replace(event.cursor, row=None)
    return Page(
        feed=now.feed,
        events=tuple(events),
        cursor=cursor,
        has_more=has_more,
        last=now.last,
        oldest=now.floor,
    )
