"""Any history of writers, readers and removals: who folds the feed holds what the tables hold."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from legacy_stub.database import open_database
from legacy_stub.feed import cursor as cursors
from legacy_stub.feed.errors import GoneError
from legacy_stub.feed.readers import Readers
from legacy_stub.feed.retention import Pruning, Retention
from legacy_stub.feed.switching import switch
from tests.conformance.feed.watching import Fold, Watched
from tests.support.postgres import EMPTY

WRITERS = st.integers(0, 2)
IDS = st.integers(1, 6)
WRITES = st.sampled_from(
    [
        "INSERT INTO product (id, name, price) VALUES (:id, :mark, 1)",
        "UPDATE product SET name = :mark WHERE id = :id",
        "DELETE FROM product WHERE id = :id",
        "UPDATE product SET id = :other, name = :mark WHERE id = :id",
        "UPDATE product SET name = :mark",
        "INSERT INTO image (id, prompt, size, status) VALUES (:id, :mark, '1x1', 'pendente')",
        "UPDATE image SET png = :png, prompt = :mark, status = 'pronta' WHERE id = :id",
        "UPDATE image SET prompt = :mark WHERE id = :id",
        "DELETE FROM image WHERE id = :id",
    ]
)
SQLITE_WRITES = st.sampled_from(
    [
        "REPLACE INTO product (id, name, price) VALUES (:id, :mark, 1)",
        "UPDATE OR REPLACE product SET id = :other, name = :mark WHERE id = :id",
        "INSERT OR IGNORE INTO product (id, name, price) VALUES (:id, :mark, 1)",
    ]
)


class History(RuleBasedStateMachine):
    """Three writers with transactions that stay open, a steady reader and one that comes late.

    Each write leaves a mark of its own, so that it can be told from all others.
    """

    open_database: ClassVar[Callable[[], Engine]]

    def __init__(self) -> None:
        super().__init__()
        self.engine = type(self).open_database()
        self.stack = ExitStack()
        self.stack.callback(self.engine.dispose)
        self.on_sqlite = self.engine.dialect.name == "sqlite"
        if self.on_sqlite:  # all of it is one thread: nobody would end what is waited for
            event.listen(self.engine, "connect", _wait_for_nobody)
            self.engine.dispose()
        self.marks = map("m{}".format, itertools.count())
        self.writers: dict[int, Connection] = {}
        self.written: dict[int, list[str]] = {}
        self.committed: set[str] = set()
        self.taken_back: set[str] = set()

    @initialize(products=st.sets(IDS), images=st.sets(IDS))
    def begin(self, products: set[int], images: set[int]) -> None:
        """Some rows were there before the feed."""
        with self.engine.begin() as connection:
            for number in products:
                connection.execute(
                    text("INSERT INTO product (id, name, price) VALUES (:id, 'old', 1)"),
                    {"id": number},
                )
            for number in images:
                connection.execute(
                    text("INSERT INTO image VALUES (:id, NULL, 'old', '1x1', 'pronta', :png)"),
                    {"id": number, "png": b"old"},
                )
        switch(self.engine, on=True)
        self.steady, self.late = Watched(self.engine), Watched(self.engine)
        self.readers = Readers(self.engine, self.steady.clock)
        self.readers.acknowledge("steady", None)
        self.told: list[str] = []

    # Writers

    @rule(writer=WRITERS, write=WRITES, row=IDS, other=IDS)
    def write(self, writer: int, write: str, row: int, other: int) -> None:
        """Write something; a writer that would have to wait for another gives up instead."""
        self._write(writer, write, row, other)

    def _write(self, writer: int, write: str, row: int, other: int) -> None:
        connection = self._writer(writer)
        mark = next(self.marks)
        values = {"id": row, "other": other, "mark": mark, "png": mark.encode()}
        try:
            done = connection.execute(text(write), values)
        except DBAPIError:
            self._end(writer, is_committed=False)
            return
        if ":mark" in write and done.rowcount > 0:
            self.written[writer].append(mark)

    @rule(writer=WRITERS, write=WRITES, row=IDS, other=IDS, limit=st.integers(1, 5))
    def overtake(self, writer: int, write: str, row: int, other: int, limit: int) -> None:
        """Write, commit and have it read, whoever else is still in a transaction."""
        self._write(writer, write, row, other)
        self._end(writer, is_committed=True)
        self.read_on(limit)

    @precondition(lambda self: self.on_sqlite)
    @rule(writer=WRITERS, write=SQLITE_WRITES, row=IDS, other=IDS)
    def write_as_sqlite_does(self, writer: int, write: str, row: int, other: int) -> None:
        """The same with what only SQLite has."""
        self._write(writer, write, row, other)

    @rule(writer=WRITERS)
    def commit(self, writer: int) -> None:
        """End a transaction."""
        self._end(writer, is_committed=True)

    @rule(writer=WRITERS)
    def roll_back(self, writer: int) -> None:
        """Take a transaction back."""
        self._end(writer, is_committed=False)

    def _writer(self, number: int) -> Connection:
        if number not in self.writers:
            connection = self.engine.connect()
            if not self.on_sqlite:
                connection.exec_driver_sql("SET lock_timeout = '20ms'")
                connection.commit()
            self.writers[number] = connection
            self.written[number] = []
        return self.writers[number]

    def _end(self, number: int, *, is_committed: bool) -> None:
        if (connection := self.writers.pop(number, None)) is None:
            return
        with connection:
            if is_committed:
                connection.commit()
                self.committed |= set(self.written[number])
            else:
                connection.rollback()
                self.taken_back |= set(self.written[number])
            connection.invalidate()  # its wait is not for others

    # Readers

    @rule(limit=st.integers(1, 5))
    def read(self, limit: int) -> None:
        """The steady reader reads a page, and never has to begin again."""
        self.read_on(limit)

    def read_on(self, limit: int) -> None:
        """The same, for other rules."""
        try:
            page = self.steady.page(limit=limit)
        except OperationalError:
            assert self.on_sqlite
            assert self.writers, "a digest cannot be kept while somebody else writes"
            return
        self.told += [str(e.payload.get("name", e.payload.get("prompt"))) for e in page.events]

    @rule()
    def acknowledge(self) -> None:
        """The steady reader says how far it is."""
        if self.on_sqlite and self.writers:
            return
        self.readers.acknowledge("steady", cursors.parse(self.steady.fold.cursor))

    @rule(limit=st.integers(1, 5))
    def read_late(self, limit: int) -> None:
        """The other one may have to, and then does."""
        try:
            self.late.page(limit=limit)
        except OperationalError:
            assert self.on_sqlite
            assert self.writers
        except GoneError as gone:
            if gone.reason != "pruned":
                raise
            self.late.fold = Fold()

    @rule(keep=st.integers(0, 5))
    def prune(self, keep: int) -> None:
        """Remove old events."""
        if self.on_sqlite and self.writers:
            return  # it would wait for a writer that waits for nobody but us
        retention = Retention(days=1, events=keep, reader_days=1)
        Pruning(self.engine, retention, self.steady.clock).prune()

    # What always holds

    @invariant()
    def nothing_taken_back_is_told(self) -> None:
        """Nor what has not been committed yet."""
        assert set(getattr(self, "told", ())) - {"None", "old"} <= self.committed

    def teardown(self) -> None:
        """Everybody ends; then both readers hold what the tables hold."""
        try:
            for number in list(self.writers):
                self._end(number, is_committed=number != 1)
            if hasattr(self, "steady"):
                self.check()
        finally:
            self.stack.close()

    def check(self) -> None:
        """Both read to the end."""
        events = self.steady.read(limit=3)
        self.told += [str(e.payload.get("name", e.payload.get("prompt"))) for e in events]
        assert self.steady.held() == self.steady.table()
        assert set(self.told) - {"None", "old"} == self.committed, "all that was committed is told"
        try:
            self.late.read(limit=2)
        except GoneError:
            self.late.fold = Fold()
            self.late.read(limit=2)
        assert self.late.held() == self.late.table()


def _wait_for_nobody(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.execute("PRAGMA busy_timeout = 0")


HISTORIES = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_any_history_on_sqlite() -> None:
    with tempfile.TemporaryDirectory() as folder:
        numbers = itertools.count()

        class OnSqlite(History):
            """A new file each time."""

            open_database = staticmethod(
                lambda: open_database(f"sqlite:///{folder}/{next(numbers)}.db", connections=8)
            )

        run_state_machine_as_test(OnSqlite, settings=HISTORIES)


def test_any_history_on_postgresql(postgres: Path) -> None:
    def opened() -> Engine:
        with psycopg.connect(host=str(postgres), user="postgres", autocommit=True) as connection:
            for statement in EMPTY:
                connection.execute(statement.encode())
        return open_database(f"postgresql://postgres@/postgres?host={postgres}", connections=8)

    class OnPostgresql(History):
        """An emptied database each time."""

        open_database = staticmethod(opened)

    run_state_machine_as_test(OnPostgresql, settings=HISTORIES)
