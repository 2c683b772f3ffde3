"""Capture on PostgreSQL.

Writers commit in another order than they are given positions: an event at 7 may be there to read
while that at 6 is still to come, and a reader that has gone on to 7 would never see it. So each
transaction, before it takes its first position, takes a shared advisory lock whose key says how
far the sequence had come. All its positions are above that key. A reader looks at the sequence,
then at the keys, and reads up to the lowest of them:

- A transaction that holds its lock is seen, and nothing above its key is read.
- One that takes its lock later gets positions above what the sequence said.
- One that has released it has been committed, or never will be: PostgreSQL makes a commit visible
  before it releases locks.

Shared locks keep nobody waiting, so that capture makes no writer wait for another, and positions
are never read out of order. A row's events are in the order of its changes because a position is
taken while the row is locked.
"""

# ruff: noqa: S608 - every word of these statements is our own
from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlalchemy import Connection, text

KEY_SPACE = 0x4F42  # "OB": the upper 16 bits of our advisory locks; the position is in the others
SWITCH_KEY = 0x4F43 << 48
_POSITION_BITS = 48
_LOCK_WAIT = "10s"  # for transactions that are under way when the feed is switched on

_NOW = """to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""

_TABLES = (
    """CREATE TABLE outbox_feed (
    id text NOT NULL,
    since text NOT NULL,
    floor bigint NOT NULL,
    floor_event text NOT NULL,
    made_by text NOT NULL
)""",
    f"""CREATE TABLE outbox (
    position bigint PRIMARY KEY,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    aggregatetype varchar(255) NOT NULL,
    aggregateid varchar(255) NOT NULL,
    type varchar(255) NOT NULL,
    payload jsonb NOT NULL,
    "timestamp" text NOT NULL DEFAULT {_NOW},
    generation bigint NOT NULL
)""",
    # no cache: a position kept in a session's cache would be older than its transaction's key
    "CREATE SEQUENCE outbox_position AS bigint CACHE 1 OWNED BY outbox.position",
    """CREATE TABLE outbox_row (
    aggregatetype text NOT NULL,
    aggregateid bigint NOT NULL,
    generation bigint NOT NULL,
    touched bigint NOT NULL,
    picture bigint,
    created_at text,
    PRIMARY KEY (aggregatetype, aggregateid)
)""",
    """CREATE TABLE outbox_reader (
    name text PRIMARY KEY,
    position bigint NOT NULL,
    cursor text NOT NULL,
    acknowledged_at text NOT NULL
)""",
)
_PRESENT = (
    "INSERT INTO outbox_row SELECT 'product', id, 0, 0, NULL, NULL FROM product",
    """INSERT INTO outbox_row
    SELECT 'image', id, 0, 0, CASE WHEN png IS NULL THEN NULL ELSE 0 END, NULL FROM image""",
)


def _payload(aggregate: str, row: str, line: str) -> str:
    if aggregate == "product":
        return f"jsonb_build_object('id', {row}.id, 'name', {row}.name, 'price', {row}.price)"
    return f"""jsonb_build_object('id', {row}.id, 'product_id', {row}.product_id,
        'prompt', {row}.prompt, 'size', {row}.size, 'status', {row}.status,
        'created_at', {line}.created_at, 'file', CASE WHEN {line}.picture IS NOT NULL THEN
            jsonb_build_object('version', {line}.picture, 'bytes', octet_length({row}.png),
                'sha256', encode(sha256({row}.png), 'hex')) END)"""


# As its owner and with its own search path: whoever may write a product is captured, wherever
# they look for tables, and however they have floats printed.
_RIGHTS = """SECURITY DEFINER SET search_path FROM CURRENT SET extra_float_digits = 1"""

_ENTER = f"""CREATE FUNCTION outbox_enter() RETURNS void LANGUAGE plpgsql {_RIGHTS} AS $$
DECLARE
    low bigint;
BEGIN
    IF current_setting('outbox.writer', true) IS NOT DISTINCT FROM pg_current_xact_id()::text THEN
        RETURN;
    END IF;
    SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END INTO low FROM outbox_position;
    PERFORM pg_advisory_xact_lock_shared(({KEY_SPACE}::bigint << {_POSITION_BITS}) | low);
    PERFORM set_config('outbox.writer', pg_current_xact_id()::text, true);
END $$"""


def _capture(aggregate: str) -> str:
    first = "CASE WHEN NEW.png IS NULL THEN NULL ELSE place END" if aggregate == "image" else "NULL"
    again = "picture"
    if aggregate == "image":
        again = """CASE WHEN NEW.png IS NOT DISTINCT FROM OLD.png THEN picture
            WHEN NEW.png IS NULL THEN NULL ELSE place END"""
    return f"""CREATE FUNCTION outbox_{aggregate}() RETURNS trigger LANGUAGE plpgsql {_RIGHTS} AS $$
DECLARE
    line outbox_row;
    place bigint;
    kind text := 'create';
BEGIN
    PERFORM outbox_enter();
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND NEW.id IS DISTINCT FROM OLD.id THEN
        DELETE FROM outbox_row WHERE aggregatetype = '{aggregate}' AND aggregateid = OLD.id
            RETURNING * INTO line;
        INSERT INTO outbox (position, aggregatetype, aggregateid, type, payload, generation)
            VALUES (nextval('outbox_position'), '{aggregate}', OLD.id, 'delete',
                jsonb_build_object('id', OLD.id), coalesce(line.generation, 0));
        IF TG_OP = 'DELETE' THEN
            RETURN NULL;
        END IF;
    END IF;
    place := nextval('outbox_position');
    IF TG_OP = 'UPDATE' AND NEW.id = OLD.id THEN
        kind := 'update';
        UPDATE outbox_row SET touched = place, picture = {again}
            WHERE aggregatetype = '{aggregate}' AND aggregateid = NEW.id RETURNING * INTO line;
    ELSE
        INSERT INTO outbox_row VALUES ('{aggregate}', NEW.id, place, place, {first}, {_NOW})
            ON CONFLICT (aggregatetype, aggregateid) DO UPDATE SET generation = place,
                touched = place, picture = excluded.picture, created_at = excluded.created_at
            RETURNING * INTO line;
    END IF;
    INSERT INTO outbox (position, aggregatetype, aggregateid, type, payload, generation)
        VALUES (place, '{aggregate}', NEW.id, kind,
            {_payload(aggregate, "NEW", "line")}, coalesce(line.generation, 0));
    RETURN NULL;
END $$"""


def _truncated(aggregate: str) -> str:
    return f"""CREATE FUNCTION outbox_{aggregate}_truncated() RETURNS trigger
LANGUAGE plpgsql {_RIGHTS} AS $$
BEGIN
    PERFORM outbox_enter();
    INSERT INTO outbox (position, aggregatetype, aggregateid, type, payload, generation)
        SELECT nextval('outbox_position'), '{aggregate}', aggregateid, 'delete',
            jsonb_build_object('id', aggregateid), generation
        FROM (SELECT * FROM outbox_row WHERE aggregatetype = '{aggregate}'
            ORDER BY aggregateid) gone;
    DELETE FROM outbox_row WHERE aggregatetype = '{aggregate}';
    RETURN NULL;
END $$"""


def _triggers(aggregate: str) -> tuple[str, ...]:
    name = f"outbox_{aggregate}"
    return (
        _capture(aggregate),
        _truncated(aggregate),
        f"""CREATE TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE ON {aggregate}
    FOR EACH ROW EXECUTE FUNCTION {name}()""",
        f"""CREATE TRIGGER {name}_truncated BEFORE TRUNCATE ON {aggregate}
    FOR EACH STATEMENT EXECUTE FUNCTION {name}_truncated()""",
        # also for replication and restores, which leave ordinary triggers out
        f"ALTER TABLE {aggregate} ENABLE ALWAYS TRIGGER {name}",
        f"ALTER TABLE {aggregate} ENABLE ALWAYS TRIGGER {name}_truncated",
    )


_MAKING = (
    # writers under way end first, and no other begins before the triggers are in place
    "LOCK TABLE product, image IN SHARE ROW EXCLUSIVE MODE",
    *_TABLES,
    *_PRESENT,
    _ENTER,
    *_triggers("product"),
    *_triggers("image"),
)
_MADE_BY = hashlib.sha256("\n".join(_MAKING).encode()).hexdigest()
_BODIES = {sql.split()[2].removesuffix("()"): sql.split("$$")[1] for sql in _MAKING if "$$" in sql}
"""Name of a function -> what is between its quotes, which PostgreSQL keeps word for word."""
_TRIGGERS = {sql.split()[2] for sql in _MAKING if sql.startswith("CREATE TRIGGER")}

STATEMENTS = (
    *_MAKING,
    f"""INSERT INTO outbox_feed
    VALUES (gen_random_uuid()::text, {_NOW}, 0, '', '{_MADE_BY}')""",
)
REMOVAL = (
    *(f"DROP FUNCTION IF EXISTS {name}() CASCADE" for name in _BODIES),
    "DROP TABLE IF EXISTS outbox_reader, outbox_row, outbox, outbox_feed",
)
PAYLOADS: Mapping[str, str] = {
    aggregate: _payload(aggregate, "t", "r") for aggregate in ("product", "image")
}


def shown(payload: str) -> str:
    """As text, which is parsed where that of the other database is."""
    return f"({payload})::text"


def lock(connection: Connection) -> None:
    """Keep other processes from switching; customers' writes go on."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({SWITCH_KEY})")
    # what the functions keep as theirs: no temporary table of a writer's comes before ours
    connection.exec_driver_sql(
        "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"
    )


def is_intact(connection: Connection) -> bool:
    """Whether this version made the tables, and every trigger is enabled and calls what it made."""
    if connection.scalar(text("SELECT to_regclass('outbox_feed')")) is None:
        return False
    if connection.scalar(text("SELECT made_by FROM outbox_feed")) != _MADE_BY:
        return False
    found = connection.execute(
        text("""SELECT tgname FROM pg_trigger
            WHERE tgrelid IN (to_regclass('product'), to_regclass('image')) AND tgenabled = 'A'""")
    )
    if not set(found.scalars()) >= _TRIGGERS:
        return False
    bodies = connection.execute(
        text("""SELECT proname, prosrc FROM pg_proc
            WHERE proname = ANY(:names) AND pronamespace = current_schema()::regnamespace"""),
        {"names": list(_BODIES)},
    )
    return {row.proname: row.prosrc for row in bodies} == _BODIES


def bound(connection: Connection) -> int:
    """The position below all that transactions under way can still bring; see the module's text.

    Two statements, in this order, and outside the transaction that will read.
    """
    reached = connection.scalar(
        text("SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM outbox_position")
    )
    lowest = connection.scalar(
        text("""SELECT min(((classid::bigint << 32) | objid::bigint) & :mask) FROM pg_locks
            WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = :space
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""),
        {"mask": (1 << _POSITION_BITS) - 1, "space": KEY_SPACE},
    )
    return int(reached) if lowest is None else min(int(reached), int(lowest))


def begin_reading(connection: Connection) -> None:
    """A snapshot of its own, taken at its first statement."""
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def begin_writing(connection: Connection) -> None:
    """The one line of outbox_feed stands for all of the feed's tables."""
    connection.exec_driver_sql("SELECT 1 FROM outbox_feed FOR UPDATE")
