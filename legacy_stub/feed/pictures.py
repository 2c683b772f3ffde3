"""The pictures that events speak of: their digests, and their bytes.

A picture has a version: the position of the event that brought it, 0 if it was there before the
feed. An event names the version that it found, so that nobody takes a later picture for it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from legacy_stub.feed import capture
from legacy_stub.feed.errors import PictureGoneError
from legacy_stub.feed.events import Event, Payload

_FIND = text(
    """SELECT t.png, r.picture FROM image t JOIN outbox_row r
    ON r.aggregatetype = 'image' AND r.aggregateid = t.id WHERE t.id = :id"""
)
_SETTLE = text(
    """UPDATE outbox SET payload = json_set(payload, '$.file.sha256', :sha256)
    WHERE position = :position AND json_type(payload, '$.file.sha256') IS NULL"""
)
_SETTLED = text("SELECT json_extract(payload, '$.file.sha256') FROM outbox WHERE position = :at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A stored picture.

    Attributes:
        png: Its bytes.
        version: The position of the event that brought it; 0 if it is older than the feed.
    """

    png: bytes
    version: int

    @property
    def sha256(self) -> str:
        """The digest of its bytes, in hexadecimal."""
        return hashlib.sha256(self.png).hexdigest()


class Pictures:
    """Reads pictures for who has read of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def version(self, image_id: int, version: int | None) -> Picture | None:
        """An image's picture; None if it has none.

        Args:
            image_id: The image's.
            version: What an event named; None: whichever there is.

        Raises:
            PictureGoneError: It has not this version any more.
        """
        with capture.reading(self._engine) as (connection, _):
            picture = find(connection, image_id)
        present = None if picture is None else picture.version
        if version is not None and version != present:
            raise PictureGoneError(present)
        return picture


def find(connection: Connection, image_id: int) -> Picture | None:
    """The picture that an image has now; None if it has none."""
    row = connection.execute(_FIND, {"id": image_id}).first()
    if row is None or row.png is None or row.picture is None:
        return None
    # SQLite lets a program store text here
    png = row.png.encode() if isinstance(row.png, str) else bytes(row.png)
    return Picture(png=png, version=int(row.picture))


def is_open(event: Event) -> bool:
    """Whether the digest of its picture is still to be found."""
    return event.file is not None and "sha256" not in event.file


def digest(connection: Connection, event: Event) -> str | None:
    """The SHA-256 of the picture that an event speaks of, None if it is there no more.

    Then a later event says what became of it.
    """
    picture = find(connection, int(event.aggregateid))
    if picture is None or event.file is None or picture.version != event.file["version"]:
        return None
    return picture.sha256


def settle(connection: Connection, position: int, sha256: str | None) -> str | None:
    """Keep a digest with its event, unless another reader has; return the one that is kept.

    An event is handed out only with what is kept: the same to everybody, however often.
    """
    connection.execute(_SETTLE, {"position": position, "sha256": sha256})
    kept = connection.execute(_SETTLED, {"at": position}).first()
    return sha256 if kept is None else kept[0]


def complete(file: Payload, image_id: str) -> None:
    """Add to what an event says of its picture, in place: the type, and where to fetch it."""
    file["content_type"] = "image/png"
    file["url"] = f"/changes/images/{image_id}/file?version={file['version']}"
