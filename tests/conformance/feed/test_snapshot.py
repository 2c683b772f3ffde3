"""A reader that begins, or begins again, ends up with exactly what is there."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from legacy_stub.database import open_database
from legacy_stub.feed import cursor as cursors
from legacy_stub.feed.errors import GoneError
from legacy_stub.feed.readers import Readers
from legacy_stub.feed.retention import BATCH, Pruning, Retention
from legacy_stub.feed.switching import switch
from tests.conformance.feed.watching import Watched

PRODUCTS = "INSERT INTO product (id, name, price) VALUES (:id, 'x', :id)"
IMAGES = """INSERT INTO image (id, prompt, size, status, png)
    VALUES (:id, 'p', '1x1', 'pronta', :png)"""


def fill(engine: Engine, ids: Sequence[int]) -> None:
    """Give each id a product and an image."""
    with engine.begin() as connection:
        connection.execute(text(PRODUCTS), [{"id": number} for number in ids])
        images = [{"id": number, "png": b"picture %d" % number} for number in ids]
        connection.execute(text(IMAGES), images)


def prune(watched: Watched, *, keep: int) -> int:
    """Remove all but the newest events; return how many went."""
    retention = Retention(days=3650, events=keep, reader_days=30)
    return Pruning(watched.engine, retention, watched.clock).prune()


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_rows_from_before_the_feed_are_read_once_and_then_their_changes(
    engine: Engine, limit: int
) -> None:
    """Whatever the size of the pages: each is asked for by the cursor of the one before."""
    fill(engine, [1, 2, 5])
    switch(engine, on=True)
    watched = Watched(engine)
    assert watched.told(limit=limit) == [
        *(("product", number, "read") for number in "125"),
        *(("image", number, "read") for number in "125"),
    ]
    assert watched.held() == watched.table()
    watched.run("UPDATE product SET price = 9 WHERE id = 5", "DELETE FROM image WHERE id = 1")
    assert watched.told(limit=limit) == [("product", "5", "update"), ("image", "1", "delete")]
    assert watched.held() == watched.table()


def test_changes_during_a_snapshot_are_told_once(engine: Engine) -> None:
    """Before the row that the snapshot is at, at it, and after it."""
    fill(engine, [1, 2, 3, 4])
    switch(engine, on=True)
    watched = Watched(engine)
    watched.page(limit=2)
    watched.run(
        "UPDATE product SET price = 9 WHERE id = 1",
        "DELETE FROM product WHERE id = 3",
        "UPDATE product SET price = 9 WHERE id = 4",
        "INSERT INTO product (id, name, price) VALUES (3, 'again', 1)",
    )
    watched.read(limit=2)
    assert watched.held() == watched.table()


def test_a_snapshot_goes_on_from_any_event_of_it(engine: Engine) -> None:
    """A reader that stopped in the middle of a page asks by the cursor of its last event."""
    fill(engine, [1, 2, 3])
    switch(engine, on=True)
    watched = Watched(engine)
    whole = watched.reader.page(None, 100).events
    for done, event in enumerate(whole, start=1):
        rest = watched.reader.page(cursors.parse(str(event.cursor)), 100)
        assert [e.id for e in rest.events] == [e.id for e in whole[done:]]


def test_whoever_comes_when_the_first_events_are_gone_gets_a_snapshot(watched: Watched) -> None:
    fill(watched.engine, [1, 2, 3])
    watched.run("DELETE FROM product WHERE id = 1")
    assert prune(watched, keep=2) == 5
    assert {kind for _, _, kind in watched.told(limit=2)} == {"read"}
    assert watched.held() == watched.table()
    watched.run("UPDATE product SET price = 9")
    assert [kind for _, _, kind in watched.told()] == ["update", "update"]
    assert watched.held() == watched.table()


def test_a_snapshot_outlives_the_removal_of_events_before_it(watched: Watched) -> None:
    fill(watched.engine, [1, 2, 3])
    prune(watched, keep=2)
    watched.page(limit=2)
    prune(watched, keep=0)
    watched.read()
    assert watched.held() == watched.table()


def test_an_event_is_the_same_however_often_and_whenever_it_is_read(watched: Watched) -> None:
    """Also once the picture that it speaks of is another."""
    fill(watched.engine, [1])
    first = [event.as_json() for event in watched.reader.page(None, 100).events]
    watched.run("UPDATE image SET png = :png", "DELETE FROM product", png=b"another")
    again = [event.as_json() for event in watched.reader.page(None, 2).events]
    assert again == first


def test_a_picture_that_was_replaced_before_anybody_read_of_it_is_told_as_gone(
    watched: Watched,
) -> None:
    """SQLite knows no SHA-256: the digest is made when the event is first read."""
    fill(watched.engine, [1])
    watched.run("UPDATE image SET png = :png", png=b"another")
    files = [event.file for event in watched.read() if event.aggregatetype == "image"]
    digests = [file["sha256"] for file in files if file is not None]
    assert (digests[0] is None) is (watched.engine.dialect.name == "sqlite")
    assert watched.held() == watched.table()


# Where a reader cannot go on


def reason(watched: Watched, cursor: str) -> str:
    """Why a reader cannot go on from a cursor."""
    with pytest.raises(GoneError) as caught:
        watched.reader.page(cursors.parse(cursor), 10)
    return caught.value.reason


def test_a_reader_that_comes_too_late_is_told(watched: Watched) -> None:
    fill(watched.engine, [1])
    watched.page(limit=1)
    kept = watched.fold.cursor
    prune(watched, keep=1)
    assert watched.told() == [("image", "1", "create")], "1 is the last removed: nothing is missed"
    watched.run("UPDATE product SET price = 9")
    prune(watched, keep=1)
    assert reason(watched, kept) == "pruned"


def test_a_feed_made_anew_is_another_feed(watched: Watched) -> None:
    """Switched off and on: nobody knows what was written in between."""
    fill(watched.engine, [1])
    watched.read()
    switch(watched.engine, on=False)
    watched.run("UPDATE product SET price = 9")
    switch(watched.engine, on=True)
    assert reason(watched, watched.fold.cursor) == "another_feed"


@pytest.mark.parametrize("kind", ["dropped", "changed"])
def test_a_feed_with_a_trigger_missing_or_changed_is_made_anew(
    watched: Watched, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    on_sqlite = watched.engine.dialect.name == "sqlite"
    if on_sqlite:
        watched.run("DROP TRIGGER outbox_product_update")
        again = "CREATE TRIGGER outbox_product_update AFTER UPDATE ON product BEGIN SELECT 1; END"
    else:
        watched.run("DROP TRIGGER outbox_product ON product")
        again = "SELECT 1"
    if kind == "changed":
        watched.run(again)
    fill(watched.engine, [1])
    before = watched.reader.standing().feed
    after = switch(watched.engine, on=True)
    assert after != before
    assert "begins anew" in caplog.text
    watched.read()
    assert watched.held() == watched.table()


def test_switching_on_again_changes_nothing(watched: Watched) -> None:
    fill(watched.engine, [1])
    watched.read()
    assert switch(watched.engine, on=True) == watched.reader.standing().feed
    assert watched.read() == []


def test_a_database_restored_from_a_backup_is_noticed(tmp_path: Path) -> None:
    """The same feed, the same position, another event there."""
    engine = open_database(f"sqlite:///{tmp_path}/legacy.db", connections=2)
    switch(engine, on=True)
    watched = Watched(engine)
    watched.run(PRODUCTS, id=1)
    with sqlite3.connect(tmp_path / "legacy.db") as live, sqlite3.connect(tmp_path / "b") as backup:
        live.backup(backup)
    live.close()
    backup.close()
    watched.read()
    kept = watched.fold.cursor
    watched.run(PRODUCTS, id=2)
    watched.read()
    engine.dispose()
    shutil.copy(tmp_path / "b", tmp_path / "legacy.db")
    assert reason(watched, watched.fold.cursor) == "diverged", "the event is not there at all"
    watched.run(PRODUCTS, id=3)
    assert reason(watched, watched.fold.cursor) == "diverged", "another event has its position"
    page = watched.reader.page(cursors.parse(kept), 10)
    assert [e.aggregateid for e in page.events] == ["3"], "what is in the backup is not disputed"
    engine.dispose()


def test_a_database_restored_during_a_snapshot_is_noticed(tmp_path: Path) -> None:
    """A row was left out because its event would come, and with the backup it never does."""
    engine = open_database(f"sqlite:///{tmp_path}/legacy.db", connections=2)
    fill(engine, [1, 2, 3])
    switch(engine, on=True)
    watched = Watched(engine)
    with sqlite3.connect(tmp_path / "legacy.db") as live, sqlite3.connect(tmp_path / "b") as backup:
        live.backup(backup)
    live.close()
    backup.close()
    watched.run("UPDATE product SET price = 2 WHERE id = 1")
    page = watched.reader.page(None, 1)
    assert [(e.type, e.aggregateid) for e in page.events] == [("read", "2")]
    again = watched.reader.page(page.cursor, 10)
    assert (again.events[-1].type, again.events[-1].aggregateid) == ("update", "1")
    engine.dispose()
    shutil.copy(tmp_path / "b", tmp_path / "legacy.db")
    assert reason(watched, str(page.cursor)) == "diverged"
    engine.dispose()


# Readers with a name, and what is kept for them


def test_nothing_is_removed_that_a_named_reader_has_not_acknowledged(watched: Watched) -> None:
    readers = Readers(watched.engine, watched.clock)
    readers.acknowledge("images", None)
    fill(watched.engine, [1, 2, 3])
    assert prune(watched, keep=0) == 0
    watched.page(limit=2)
    readers.acknowledge("images", cursors.parse(watched.fold.cursor))
    assert prune(watched, keep=0) == 2
    watched.read()
    assert watched.held() == watched.table()
    assert readers.forget("images")
    assert prune(watched, keep=0) == 4


def test_a_reader_that_has_been_silent_for_too_long_holds_nothing(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    readers = Readers(watched.engine, watched.clock)
    readers.acknowledge("images", None)
    fill(watched.engine, [1])
    watched.clock.advance(days=29)
    assert prune(watched, keep=0) == 0
    watched.clock.advance(days=2)
    assert prune(watched, keep=0) == 2
    assert "'images' has acknowledged nothing for 30 days" in caplog.text
    assert readers.all() == ()


def test_events_go_by_age_and_by_number(watched: Watched) -> None:
    fill(watched.engine, range(1, 1101))
    by_age = Pruning(watched.engine, Retention(days=7, events=10**6, reader_days=30), watched.clock)
    watched.clock.advance(days=6)
    assert by_age.prune() == 0
    assert prune(watched, keep=2100) == 100
    watched.clock.advance(days=2)
    assert by_age.prune() == 2100, "in batches"
    standing = watched.reader.standing()
    assert (standing.floor, standing.last) == (2200, 2200)
    watched.run("UPDATE product SET price = 1 WHERE id = 1")
    assert watched.reader.standing().last == 2201, "positions are never given again"


def test_removing_a_batch_costs_the_same_however_many_events_are_old(tmp_path: Path) -> None:
    """It holds the write lock: a customer's write failed once three hundred thousand were old."""
    engine = open_database(f"sqlite:///{tmp_path}/legacy.db", connections=1)
    switch(engine, on=True)
    watched = Watched(engine)
    watched.run(
        """INSERT INTO outbox (position, aggregatetype, aggregateid, type, payload, generation)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30 * :batch)
        SELECT i, 'product', '1', 'update', '{}', 1 FROM n""",
        batch=BATCH,
    )
    watched.clock.advance(days=8)
    steps, costs = [0], []

    def count() -> None:
        steps[0] += 1

    with engine.connect() as connection:
        driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.set_progress_handler(count, 100)
    kept = Retention(days=7, events=1_000_000, reader_days=30)
    for removed in Pruning(engine, kept, watched.clock).batches():
        assert removed == BATCH
        costs.append(steps[0])
        steps[0] = 0
    assert len(costs) == 30
    assert costs[1] < 2 * costs[-1], "the second batch looked at those behind it"
    engine.dispose()
