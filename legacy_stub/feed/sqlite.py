"""Capture on SQLite.

One writer at a time holds the database's lock until it commits: positions, given under that lock,
are in the order of commits, and a rolled-back one is given again.

What a trigger must put up with here:

- It runs inside whatever program writes, ``sqlite3`` on a command line too, so that only SQLite's
  own functions are at hand. SHA-256 is none: ``pictures`` adds it before an event is handed out.
- REPLACE removes rows without firing the triggers of a deletion. The removed row's line in
  ``outbox_row`` gives it away.
- A conflict clause of the statement outside overrules those inside, so there are none inside.
- Columns take values of any type. None of them may make a customer's write fail.
"""

# ruff: noqa: S608 - every word of these statements is our own
from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_NEXT = "(SELECT max(floor, coalesce((SELECT max(position) FROM outbox), 0)) + 1 FROM outbox_feed)"
"""AUTOINCREMENT would not do: its counter stands still until the whole trigger is done."""
_UUID = """lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4'
    || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1)
    || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"""

_TABLES = (
    """CREATE TABLE outbox_feed (
    id TEXT NOT NULL,
    since TEXT NOT NULL,
    floor INTEGER NOT NULL,
    floor_event TEXT NOT NULL
)""",
    f"""CREATE TABLE outbox (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL DEFAULT ({_UUID}),
    aggregatetype TEXT NOT NULL,
    aggregateid TEXT NOT NULL,
    type TEXT NOT NULL,
    payload TEXT NOT NULL,
    timestamp TEXT NOT NULL DEFAULT ({_NOW}),
    generation INTEGER NOT NULL
)""",
    """CREATE TABLE outbox_row (
    aggregatetype TEXT NOT NULL,
    aggregateid INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    touched INTEGER NOT NULL,
    picture INTEGER,
    created_at TEXT,
    PRIMARY KEY (aggregatetype, aggregateid)
) WITHOUT ROWID""",
    """CREATE TABLE outbox_reader (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    cursor TEXT NOT NULL,
    acknowledged_at TEXT NOT NULL
)""",
)
_PRESENT = (
    "INSERT INTO outbox_row SELECT 'product', id, 0, 0, NULL, NULL FROM product",
    "INSERT INTO outbox_row SELECT 'image', id, 0, 0, iif(png IS NULL, NULL, 0), NULL FROM image",
    f"INSERT INTO outbox_feed VALUES ({_UUID}, {_NOW}, 0, '')",
)


def _json(value: str) -> str:
    """SQL of a column's value as JSON.

    A number is written with all its digits, which json_quote does not. Infinity, which the
    monolith stores, and bytes in a column of text are no JSON: the one becomes a string, the
    others hexadecimal.
    """
    return f"""json(CASE typeof({value})
        WHEN 'real' THEN CASE {value} WHEN 9e999 THEN '"Infinity"'
            WHEN -9e999 THEN '"-Infinity"' ELSE quote({value}) END
        WHEN 'blob' THEN json_object('base16', hex({value}))
        ELSE json_quote({value}) END)"""


def _payload(aggregate: str, row: str, line: str) -> str:
    if aggregate == "product":
        return f"""json_object('id', {row}.id, 'name', {_json(f"{row}.name")},
        'price', {_json(f"{row}.price")})"""
    return f"""json_object('id', {row}.id, 'product_id', {_json(f"{row}.product_id")},
        'prompt', {_json(f"{row}.prompt")}, 'size', {_json(f"{row}.size")},
        'status', {_json(f"{row}.status")}, 'created_at', {line}.created_at,
        'file', json(CASE WHEN {line}.picture IS NULL THEN 'null' ELSE json_object(
            'version', {line}.picture, 'bytes', length(CAST({row}.png AS BLOB))) END))"""


def _written(aggregate: str, kind: str) -> str:
    """Tell of the row NEW, whose line is up to date."""
    return f"""INSERT INTO outbox (position, aggregatetype, aggregateid, type, payload, generation)
        SELECT r.touched, '{aggregate}', r.aggregateid, '{kind}',
        {_payload(aggregate, "NEW", "r")}, r.generation
        FROM outbox_row r WHERE r.aggregatetype = '{aggregate}' AND r.aggregateid = NEW.id;"""


def _created(aggregate: str) -> str:
    picture = "iif(NEW.png IS NULL, NULL, next)" if aggregate == "image" else "NULL"
    return f"""{_deleted(aggregate, "NEW")}
    INSERT INTO outbox_row SELECT '{aggregate}', NEW.id, next, next, {picture}, {_NOW}
        FROM (SELECT {_NEXT} AS next);
    {_written(aggregate, "create")}"""


def _deleted(aggregate: str, row: str) -> str:
    """Tell that a row is gone and drop its line; do nothing if there is none."""
    line = f"aggregatetype = '{aggregate}' AND aggregateid = {row}.id"
    return f"""INSERT INTO outbox (position, aggregatetype, aggregateid, type, payload, generation)
        SELECT {_NEXT}, '{aggregate}', aggregateid, 'delete',
        json_object('id', aggregateid), generation FROM outbox_row WHERE {line};
    DELETE FROM outbox_row WHERE {line};"""


def _updated(aggregate: str) -> str:
    picture = ""
    if aggregate == "image":
        picture = f""", picture = CASE WHEN NEW.png IS OLD.png THEN picture
            WHEN NEW.png IS NULL THEN NULL ELSE {_NEXT} END"""
    return f"""UPDATE outbox_row SET touched = {_NEXT}{picture}
        WHERE aggregatetype = '{aggregate}' AND aggregateid = NEW.id;
    {_written(aggregate, "update")}"""


def _triggers(aggregate: str) -> tuple[str, ...]:
    name = f"CREATE TRIGGER outbox_{aggregate}"
    return (
        f"""{name}_create AFTER INSERT ON {aggregate} BEGIN
    {_created(aggregate)}
END""",
        f"""{name}_update AFTER UPDATE ON {aggregate} WHEN NEW.id = OLD.id BEGIN
    {_updated(aggregate)}
END""",
        f"""{name}_move AFTER UPDATE ON {aggregate} WHEN NEW.id <> OLD.id BEGIN
    {_deleted(aggregate, "OLD")}
    {_created(aggregate)}
END""",
        f"""{name}_delete AFTER DELETE ON {aggregate} BEGIN
    {_deleted(aggregate, "OLD")}
END""",
    )


_TRIGGERS = _triggers("product") + _triggers("image")
_MADE = {sql.split()[2]: sql for sql in (*_TABLES, *_TRIGGERS)}
"""Name of a table or trigger -> what makes it, which SQLite keeps word for word."""

STATEMENTS = (*_TABLES, *_PRESENT, *_TRIGGERS)
REMOVAL = tuple(f"DROP {sql.split()[1]} IF EXISTS {name}" for name, sql in reversed(_MADE.items()))
PAYLOADS: Mapping[str, str] = {
    aggregate: _payload(aggregate, "t", "r") for aggregate in ("product", "image")
}


def shown(payload: str) -> str:
    """As bytes: as text the driver would refuse what is not UTF-8."""
    return f"CAST({payload} AS BLOB)"


def lock(connection: Connection) -> None:
    """Take the write lock."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def is_intact(connection: Connection) -> bool:
    """Whether every table and trigger is there and says what this version writes."""
    found = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE name LIKE 'outbox%' AND sql IS NOT NULL")
    )
    return {name: sql for name, sql in found if name in _MADE} == _MADE


def bound(connection: Connection) -> int:
    """No bound: whatever can be seen has nothing before it that cannot."""
    del connection
    return 2**63 - 1


def begin_reading(connection: Connection) -> None:
    """The driver itself begins none for a SELECT."""
    connection.exec_driver_sql("BEGIN")


def begin_writing(connection: Connection) -> None:
    """Take the write lock now: a lock taken after reading may fail at once."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
