"""What a reader reads: events, and pages of them. Pure."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from legacy_stub.feed.cursor import Cursor

Payload = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change, or one row of a snapshot.

    Attributes:
        position: Its place in the order of all; of a row of a snapshot: that of the event which
            the snapshot began after.
        id: A UUID; the same whenever this event is read again.
        aggregatetype: ``product`` or ``image``.
        aggregateid: The row's id.
        type: ``create``, ``update`` or ``delete``; ``read`` for a row of a snapshot.
        timestamp: When it was written, or read: UTC, ISO 8601 with milliseconds.
        generation: The position at which this row was created, 0 if that was before the feed. Of
            two rows that had the same id one after the other, each has its own.
        payload: The row as it was after the change; of a deletion the id alone.
        cursor: For who stops after this event.
    """

    position: int
    id: str
    aggregatetype: str
    aggregateid: str
    type: str
    timestamp: str
    generation: int
    payload: Payload
    cursor: Cursor

    @property
    def file(self) -> Payload | None:
        """The picture that it speaks of; None if of none."""
        return cast("Payload | None", self.payload.get("file"))

    def as_json(self) -> Payload:
        """The event as it goes over the wire."""
        return {
            "position": self.position,
            "cursor": str(self.cursor),
            "id": self.id,
            "aggregatetype": self.aggregatetype,
            "aggregateid": self.aggregateid,
            "type": self.type,
            "timestamp": self.timestamp,
            "generation": self.generation,
            "payload": self.payload,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some events, and where the reader and the feed stand.

    Attributes:
        feed: The feed's id.
        events: In order; none if there is nothing new.
        cursor: What to ask for next.
        has_more: Whether there is more to read at once.
        last: The position of the last event that can be read now.
        oldest: All events after this position are still there.
    """

    feed: str
    events: tuple[Event, ...]
    cursor: Cursor
    has_more: bool
    last: int
    oldest: int


def read_payload(stored: bytes | str) -> Payload:
    """Parse a stored payload.

    What some program wrote as text and is no UTF-8 is shown with replacement characters: an event
    that cannot be read would hold up all behind it.
    """
    text = stored if isinstance(stored, str) else stored.decode(errors="replace")
    return cast("Payload", json.loads(text))


def timestamp(moment: datetime) -> str:
    """A moment as the triggers write it: UTC, in milliseconds."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"


def id_of_read(feed: str, aggregate: str, row_id: int, generation: int) -> str:
    """The id of a row's event in a snapshot: for one feed and one row always the same."""
    return str(uuid.uuid5(uuid.UUID(feed), f"read/{aggregate}/{row_id}/{generation}"))
