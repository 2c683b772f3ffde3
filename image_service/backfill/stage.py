"""The monolith's images as of one position, folded from its feed into a file of this run's own.

Memory stays the same however many there are: the file is SQLite's, has no name, and is gone with
the process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from image_service.backfill.comparing import Expected, Row
from image_service.backfill.events import Change, Gone, Page, Picture, Put, Refused
from image_service.backfill.feed import Feed
from image_service.contract import LARGEST_ID

_PAGE_EVENTS = 1000
_TABLE = """CREATE TABLE image (id INTEGER PRIMARY KEY, product_id INTEGER, prompt TEXT,
    size TEXT, status TEXT, version INTEGER, bytes INTEGER, sha256 TEXT)"""


class Stage:
    """Reads a feed from its beginning; to be closed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._cursor = "0"
        self._position = 0
        # An empty name is a temporary file, not memory.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(_TABLE)

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    async def read_snapshot(self) -> int:
        """Read the rows from before; return the first position as of which all can be known."""
        while True:
            page = await self._read(LARGEST_ID)
            if not page.in_snapshot:
                return page.last

    async def read_up_to(self, position: int) -> None:
        """Read all events up to a position that the feed has come to, and we have not passed."""
        while self._position < position:
            await self._read(position)

    async def _read(self, up_to: int) -> Page:
        page = await self._feed.page(self._cursor, limit=_PAGE_EVENTS)
        self._cursor, self._position = page.cursor, page.position
        self._database.execute("BEGIN")
        for one in page.told:
            if one.position <= up_to:
                self._take(one.change)
        self._database.execute("COMMIT")
        return page

    def _take(self, change: Change) -> None:
        if isinstance(change, Gone):
            self._database.execute("DELETE FROM image WHERE id = ?", [change.image_id])
            return
        self._database.execute(
            "REPLACE INTO image VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [change.image_id, *_columns(change)],
        )

    def images(self) -> Iterator[Expected]:
        """Return the images in order of id."""
        for row in self._database.execute("SELECT * FROM image ORDER BY id"):
            image_id, product_id, prompt, size, status, version, size_bytes, sha256 = row
            yield Expected(
                image_id=image_id,
                row=None
                if prompt is None
                else Row(product_id=product_id, prompt=prompt, size=size, status=status),
                picture=None
                if version is None
                else Picture(version=version, size_bytes=size_bytes, sha256=sha256),
            )


def _columns(change: Put | Refused) -> list[object]:
    if isinstance(change, Refused):
        return [None] * 7
    picture = change.picture
    return [
        change.product_id,
        change.prompt,
        change.size,
        change.status,
        None if picture is None else picture.version,
        None if picture is None else picture.size_bytes,
        None if picture is None else picture.sha256,
    ]
