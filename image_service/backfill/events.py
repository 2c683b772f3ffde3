"""What the change feed says, read and judged. Pure.

The monolith's columns take values of any type, so a row may be one that this service cannot hold.
Such a row is refused by name and goes on being told of; it never holds up those behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from image_service.backfill.errors import NotAFeedError
from image_service.contract import LARGEST_ID, shape_of
from image_service.models import FIRST_ID

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_STATUSES = frozenset({"pendente", "pronta", "falhou"})
_KINDS = frozenset({"create", "update", "delete", "read"})
_SHOWN_CHARACTERS = 60

Document = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that an event speaks of.

    Attributes:
        version: Which of the image's pictures it is.
        size_bytes: Its length.
        sha256: Of its bytes; None if it was replaced before anybody read of it.
    """

    version: int
    size_bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """The image is there, and like this.

    Attributes:
        created_at: Seconds since 1970; None when it is older than the feed.
        picture: None while it has none.
    """

    image_id: int
    product_id: int | None
    prompt: str
    size: str
    status: str
    created_at: float | None
    picture: Picture | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The image is there no more."""

    image_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The image is there, but this service cannot hold its row; ``reason`` quotes no prompt."""

    image_id: int
    reason: str


Change = Put | Gone | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A change of an image, and where in the feed."""

    position: int
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer of the feed.

    Attributes:
        feed: Its id.
        cursor: What to ask for next.
        position: Of the last event read.
        last: Of the newest event that there is.
        has_more: Whether there is more to read at once.
        in_snapshot: Whether rows from before are still to be told.
        told: Changes of images, in order. Products are not ours; images in our own range of ids
            are ours already.
        newest_at: When the newest event here was written, seconds since 1970; None without one.
    """

    feed: str
    cursor: str
    position: int
    last: int
    has_more: bool
    in_snapshot: bool
    told: tuple[Told, ...]
    newest_at: float | None


def read_page(document: object) -> Page:
    """Read a page from parsed JSON.

    Raises:
        NotAFeedError: It is none.
    """
    page = _mapping(document, "the answer")
    events = page.get("events")
    if not isinstance(events, list):
        raise NotAFeedError("events", "no list")
    read = [_mapping(event, f"events[{index}]") for index, event in enumerate(events)]
    told = [one for event in read for one in _told(event)]
    written = [_seconds(event.get("timestamp")) for event in read if event.get("type") != "read"]
    return Page(
        feed=_text(page, "feed"),
        cursor=_text(page, "cursor"),
        position=_number(page, "position"),
        last=_number(page, "last"),
        has_more=page.get("more") is True,
        in_snapshot=page.get("snapshot") is True,
        told=tuple(told),
        newest_at=max((at for at in written if at is not None), default=None),
    )


def fold(told: Iterable[Told]) -> list[Change]:
    """Return the last change of each image: what became of it in between nobody can ask for."""
    return list({one.change.image_id: one.change for one in told}.values())


def _told(event: Document) -> Iterable[Told]:
    kind = event.get("type")
    if kind not in _KINDS:
        raise NotAFeedError("type", f"{_shown(kind)} is none of {', '.join(sorted(_KINDS))}")
    if event.get("aggregatetype") != "image":
        return
    name = _text(event, "aggregateid")
    if not re.fullmatch(r"-?[0-9]{1,19}", name, re.ASCII):
        raise NotAFeedError("aggregateid", f"{_shown(name)} is no whole number")
    image_id, position = int(name), _number(event, "position")
    if image_id >= FIRST_ID:
        return
    if kind == "delete":
        yield Told(position=position, change=Gone(image_id=image_id))
        return
    payload = _mapping(event.get("payload"), "payload")
    yield Told(position=position, change=_row(image_id, payload))


def _row(image_id: int, payload: Document) -> Put | Refused:
    reason = _refusal(payload)
    if reason is not None:
        return Refused(image_id=image_id, reason=reason)
    return Put(
        image_id=image_id,
        product_id=cast("int | None", payload.get("product_id")),
        prompt=cast("str", payload.get("prompt")),
        size=cast("str", payload.get("size")),
        status=cast("str", payload.get("status")),
        created_at=_seconds(payload.get("created_at")),
        picture=_picture(payload.get("file")),
    )


def _refusal(payload: Document) -> str | None:
    """Say why a row has no place here; None if it has."""
    prompt, product_id = payload.get("prompt"), payload.get("product_id")
    if not isinstance(prompt, str):
        return "its prompt is no text"
    if any("\ud800" <= character <= "\udfff" for character in prompt):
        return "its prompt holds half a character, which no encoding can write"
    if product_id is not None and (
        type(product_id) is not int or not -LARGEST_ID - 1 <= product_id <= LARGEST_ID
    ):
        return f"its product_id {_shown(product_id)} is no whole number of 64 bits"
    size = payload.get("size")
    if not isinstance(size, str) or shape_of(size) is None:
        return f"its size {_shown(size)} is not written as in 512x512"
    status = payload.get("status")
    if not isinstance(status, str) or status not in _STATUSES:
        return f"its status {_shown(status)} is none that is known here"
    return None


def _picture(value: object) -> Picture | None:
    if value is None:
        return None
    file = _mapping(value, "file")
    sha256 = file.get("sha256")
    if sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        raise NotAFeedError("file.sha256", f"{_shown(sha256)} is no SHA-256")
    return Picture(
        version=_number(file, "version"), size_bytes=_number(file, "bytes"), sha256=sha256
    )


def _mapping(value: object, where: str) -> Document:
    if not isinstance(value, dict):
        raise NotAFeedError(where, "no object")
    return value


def _text(document: Document, name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise NotAFeedError(name, f"{_shown(value)} is no text")
    return value


def _number(document: Document, name: str) -> int:
    value = document.get(name)
    if type(value) is not int or not 0 <= value <= LARGEST_ID:
        raise NotAFeedError(name, f"{_shown(value)} is no whole number from 0")
    return value


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError as error:
        raise NotAFeedError("timestamp", f"{_shown(value)} is no time") from error


def _shown(value: object) -> str:
    return repr(value)[:_SHOWN_CHARACTERS]
