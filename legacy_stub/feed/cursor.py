"""Where a reader stands: one short text that it keeps and sends back. Pure.

A bare number would do until the database is replaced or restored from a backup: then the same
number stands for another event, and a reader would go on as if nothing had happened. So a cursor
also holds the beginnings of the feed's id and of the event's id, and they are compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MARK_CHARACTERS = 8  # of each id: two feeds agree by chance once in four thousand million
NO_EVENT = "0" * MARK_CHARACTERS
AGGREGATES = ("product", "image")
"""The captured tables, in the order of a snapshot: products come before images that name them."""
LARGEST = 2**63 - 1
"""Of a position and of a row's id, on both databases."""

_FORM = re.compile(
    r"(?P<position>[0-9]{1,19})-(?P<feed>[0-9a-f]{8})(?P<event>[0-9a-f]{8})"
    rf"(?:-(?P<aggregate>{'|'.join(AGGREGATES)})\.(?P<row>-?[0-9]{{1,19}})"
    r"(?:-(?P<seen>[0-9]{1,19})\.(?P<seen_event>[0-9a-f]{8}))?)?"
)


class CursorError(ValueError):
    """A text that no answer of a feed ever held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that a snapshot has come to.

    Attributes:
        aggregate: One of ``AGGREGATES``.
        id: All rows of the aggregate up to this id have been read; None: none has.
        seen: The position of the newest event when they were; None: there was none after the one
            that the snapshot began after. Rows that such events touched were left out for them.
        seen_event: The beginning of that event's id.
    """

    aggregate: str = AGGREGATES[0]
    id: int | None = None
    seen: int | None = None
    seen_event: str = NO_EVENT

    def __str__(self) -> str:
        text = f"{self.aggregate}.{-LARGEST - 1 if self.id is None else self.id}"
        return text if self.seen is None else f"{text}-{self.seen}.{self.seen_event}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """What has been read.

    Attributes:
        position: Of the last event read. During a snapshot: of the event it began after.
        feed: The beginning of the feed's id.
        event: The beginning of the id of the event at ``position``; ``NO_EVENT`` at 0.
        row: Where in the snapshot; None once it is over.
    """

    position: int
    feed: str
    event: str
    row: Row | None = None

    def __str__(self) -> str:
        text = f"{self.position}-{self.feed}{self.event}"
        return text if self.row is None else f"{text}-{self.row}"


def mark(identifier: str) -> str:
    """What a cursor holds of a UUID; of an empty text, ``NO_EVENT``."""
    return identifier.replace("-", "")[:MARK_CHARACTERS] or NO_EVENT


def parse(text: str) -> Cursor | None:
    """Read a cursor; None for "0", the beginning.

    Raises:
        CursorError: It is none.
    """
    if text == "0":
        return None
    found = _FORM.fullmatch(text)
    if found is None or int(found["position"]) > LARGEST:
        raise CursorError(text)
    row = None if found["aggregate"] is None else _row(found)
    return Cursor(
        position=int(found["position"]), feed=found["feed"], event=found["event"], row=row
    )


def _row(found: re.Match[str]) -> Row:
    row_id, seen = int(found["row"]), int(found["seen"] or 0)
    if not -LARGEST - 1 <= row_id <= LARGEST or seen > LARGEST:
        raise CursorError(found[0])
    return Row(
        aggregate=found["aggregate"],
        # the lowest id of all has read nothing but, if there is one, that very row
        id=None if row_id == -LARGEST - 1 else row_id,
        seen=None if found["seen"] is None else seen,
        seen_event=found["seen_event"] or NO_EVENT,
    )
