"""A reader that has gone on never misses what was written before and committed later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from legacy_stub.database import open_database
from legacy_stub.feed.switching import switch
from tests.conformance.feed.watching import Watched

Writer = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def watched(postgres_url: str) -> Iterator[Watched]:
    """A database on which several write at a time."""
    engine: Engine = open_database(postgres_url, connections=4)
    switch(engine, on=True)
    yield Watched(engine)
    engine.dispose()


@pytest.fixture
def writers(watched: Watched, postgres: Path) -> Iterator[list[Writer]]:
    """Three writers, each in a transaction of its own; none waits for another for long."""
    assert watched.fold.cursor == "0"
    with ExitStack() as stack:
        found = []
        for _ in range(3):
            connection = psycopg.connect(host=str(postgres), user="postgres")
            stack.callback(connection.close)
            connection.execute("SET lock_timeout = '1s'")
            connection.commit()
            found.append(connection)
        yield found


def add(writer: Writer, product_id: int) -> None:
    writer.execute("INSERT INTO product (id, name, price) VALUES (%s, 'x', 1)", [product_id])


def ids(watched: Watched) -> list[str]:
    """Read on; the ids told of."""
    return [event.aggregateid for event in watched.read()]


def test_what_is_committed_late_is_told_before_what_came_after_it(
    watched: Watched, writers: list[Writer]
) -> None:
    late, soon, _ = writers
    add(late, 1)
    add(soon, 2)
    soon.commit()
    assert ids(watched) == [], "2 is there, but 1 may still come"
    assert watched.reader.held_back() == 1
    late.commit()
    assert ids(watched) == ["1", "2"]
    assert watched.reader.held_back() == 0


def test_what_is_rolled_back_late_holds_up_nothing_after_it(
    watched: Watched, writers: list[Writer]
) -> None:
    late, soon, _ = writers
    add(late, 1)
    add(soon, 2)
    soon.commit()
    late.rollback()
    assert ids(watched) == ["2"]


def test_a_reader_goes_up_to_the_first_who_still_writes(
    watched: Watched, writers: list[Writer]
) -> None:
    first, second, third = writers
    add(first, 1)
    first.commit()
    add(second, 2)
    add(third, 3)
    third.commit()
    assert ids(watched) == ["1"]
    add(first, 4)
    second.commit()
    assert ids(watched) == ["2", "3"], "the first writes again, and holds up what is after that"
    first.commit()
    assert ids(watched) == ["4"]


def test_changes_of_one_row_are_told_in_their_order_whoever_began_first(
    watched: Watched, writers: list[Writer]
) -> None:
    """The order of transactions' numbers would tell the last price first."""
    first, second, _ = writers
    add(second, 1)
    second.commit()
    add(first, 2)
    second.execute("UPDATE product SET price = 10 WHERE id = 1")
    second.commit()
    first.execute("UPDATE product SET price = 20 WHERE id = 1")
    first.commit()
    watched.read()
    assert watched.held() == watched.table()


def test_no_writer_waits_for_another_because_of_the_feed(
    watched: Watched, writers: list[Writer]
) -> None:
    """One holds its transaction open; the others write and commit all the same."""
    slow, one, other = writers
    add(slow, 1)
    for number, writer in enumerate([one, other, one, other], start=2):
        add(writer, number)
        writer.commit()
    slow.commit()
    assert ids(watched) == ["1", "2", "3", "4", "5"]


def test_who_writes_nothing_that_is_captured_holds_up_nothing(
    watched: Watched, writers: list[Writer]
) -> None:
    """A long transaction elsewhere: a nightly report, a backup, another application."""
    other, writer, _ = writers
    other.execute("CREATE TABLE elsewhere (id int)")
    other.execute("SELECT pg_current_xact_id()")
    add(writer, 1)
    writer.commit()
    assert ids(watched) == ["1"]


def test_a_savepoint_taken_back_leaves_the_transaction_marked_from_its_next_write_on(
    watched: Watched, writers: list[Writer]
) -> None:
    first, second, _ = writers
    first.execute("SAVEPOINT here")
    add(first, 1)
    first.execute("ROLLBACK TO here")
    add(second, 2)
    second.commit()
    assert ids(watched) == ["2"]
    add(first, 3)
    add(second, 4)
    second.commit()
    assert ids(watched) == []
    first.commit()
    assert ids(watched) == ["3", "4"]


def test_a_write_inside_a_kept_savepoint_holds_up_until_the_whole_is_committed(
    watched: Watched, writers: list[Writer]
) -> None:
    first, second, _ = writers
    first.execute("SAVEPOINT here")
    add(first, 1)
    first.execute("RELEASE here")
    add(second, 2)
    second.commit()
    assert ids(watched) == []
    first.commit()
    assert ids(watched) == ["1", "2"]


def test_a_snapshot_leaves_to_the_events_what_they_will_tell(
    watched: Watched, writers: list[Writer]
) -> None:
    """A row changed by a committed transaction whose event still stands behind an open one."""
    late, soon, _ = writers
    for number in (1, 2, 3):
        add(soon, number)
    soon.commit()
    remove_all_events(watched)
    add(late, 4)
    soon.execute("UPDATE product SET price = 9 WHERE id = 2")
    soon.commit()
    told = [(event.type, event.aggregateid) for event in watched.read()]
    assert told == [("read", "1"), ("read", "3")]
    late.commit()
    told = [(event.type, event.aggregateid) for event in watched.read()]
    assert told == [("create", "4"), ("update", "2")]
    assert watched.held() == watched.table()


def remove_all_events(watched: Watched) -> None:
    """Have all events so far removed, so that a reader begins with a snapshot."""
    watched.run(
        """UPDATE outbox_feed SET floor = last.position, floor_event = last.id::text
        FROM (SELECT position, id FROM outbox ORDER BY position DESC LIMIT 1) last""",
        "DELETE FROM outbox",
    )
