"""A reader of the feed that keeps, of each row, what the events have told."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from legacy_stub.feed import cursor as cursors
from legacy_stub.feed.events import Event, Page
from legacy_stub.feed.reading import Reader

Key = tuple[str, str]
Known = dict[Key, dict[str, object]]


@dataclass(slots=True)
class Clock:
    """A clock that stands still until told otherwise."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))  # noqa: TID251 - real rows

    def __call__(self) -> datetime:
        """What time it is."""
        return self.now

    def advance(self, **units: float) -> None:
        """Let time pass."""
        self.now += timedelta(**units)


class Fold:
    """What a reader holds.

    Attributes:
        rows: Aggregate and id -> the payload told last, without where to fetch its file.
        generations: The same -> the generation told last.
        seen: The ids of all events, in the order in which they came.
        positions: Theirs.
        cursor: What to ask for next, as text; "0" before the beginning.
        began: The position that it began after; None before the beginning.
    """

    def __init__(self) -> None:
        self.rows: Known = {}
        self.generations: dict[Key, int] = {}
        self.seen: list[str] = []
        self.positions: list[int] = []
        self.cursor = "0"
        self.began: int | None = None

    def take(self, events: Sequence[Event]) -> None:
        """Take events in; each must be one that can follow what is held."""
        for event in events:
            key = (event.aggregatetype, event.aggregateid)
            assert event.id not in self.seen, "the same event twice"
            assert not self.positions or event.position >= self.positions[-1]
            self.seen.append(event.id)
            self.positions.append(event.position)
            self._apply(key, event)
            self.cursor = str(event.cursor)

    def _apply(self, key: Key, event: Event) -> None:
        if event.type in {"create", "read"}:
            assert key not in self.rows, f"{key} was there already"
            assert event.type == "read" or event.generation == event.position
        elif key in self.rows:
            assert self.generations[key] == event.generation
        else:
            # A row that was there when we began, and was touched before the snapshot came to it.
            assert self.began is not None
            assert event.generation <= self.began
        if event.type == "delete":
            self.generations.pop(key, None)
            self.rows.pop(key, None)
            return
        self.rows[key] = event.payload
        self.generations[key] = event.generation


class Watched:
    """A monolith's database, and one reader of its feed."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clock = Clock()
        self.reader = Reader(engine, self.clock)
        self.fold = Fold()

    def run(self, *statements: str, **values: object) -> None:
        """Run statements behind the monolith's back, in one transaction."""
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement), values)

    def read(self, *, limit: int = 100) -> list[Event]:
        """Read on to the end, and take it all in."""
        found: list[Event] = []
        while True:
            page = self.page(limit=limit)
            found += page.events
            if not page.has_more:
                return found

    def page(self, *, limit: int = 100) -> Page:
        """Read one page, and take it in."""
        page = self.reader.page(cursors.parse(self.fold.cursor), limit)
        if self.fold.began is None:
            first = page.events[0] if page.events else None
            present = first.position if first and first.type == "read" else page.last
            self.fold.began = present if page.oldest else 0
        self.fold.take(page.events)
        self.fold.cursor = str(page.cursor)
        return page

    def told(self, *, limit: int = 100) -> list[tuple[str, str, str]]:
        """Read on to the end; the aggregate, id and type of each event."""
        return [(e.aggregatetype, e.aggregateid, e.type) for e in self.read(limit=limit)]

    def table(self) -> Known:
        """The rows as they are in the tables, in the form that the fold has them."""
        with self.engine.connect() as connection:
            products = connection.execute(text("SELECT id, name, price FROM product")).all()
            images = connection.execute(
                text("SELECT id, product_id, prompt, size, status, png FROM image")
            ).all()
        rows: Known = {
            ("product", str(row.id)): {"id": row.id, "name": row.name, "price": _number(row.price)}
            for row in products
        }
        for row in images:
            columns = dict(row._mapping)
            png = columns.pop("png")
            picture = None if png is None else (len(png), hashlib.sha256(png).hexdigest())
            rows["image", str(row.id)] = {**columns, "picture": picture}
        return rows

    def held(self) -> Known:
        """What the fold holds, in the form of `table`."""
        return {key: _comparable(key, payload) for key, payload in self.fold.rows.items()}


def _comparable(key: Key, payload: dict[str, object]) -> dict[str, object]:
    if key[0] == "product":
        return dict(payload)
    rest = {name: payload[name] for name in ("id", "product_id", "prompt", "size", "status")}
    file = payload["file"]
    assert file is None or isinstance(file, dict)
    return {**rest, "picture": file and (file["bytes"], file["sha256"])}


def _number(price: object) -> object:
    if isinstance(price, float) and not math.isfinite(price):
        return "NaN" if math.isnan(price) else f"{'-' * (price < 0)}Infinity"
    return price
