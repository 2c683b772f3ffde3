"""Opening the database: what is made, and what is said when it cannot be."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from legacy_stub.database import open_database
from legacy_stub.errors import StartError


def test_folder_file_and_tables_are_made_and_found_again(tmp_path: Path) -> None:
    file = tmp_path / "var" / "shop" / "legacy.db"
    for _ in range(2):
        open_database(f"sqlite:///{file}", connections=1).dispose()
    with sqlite3.connect(file) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert {"product", "image"} <= {name for (name,) in tables}
    connection.close()


def test_a_writer_does_not_wait_for_a_reader(tmp_path: Path) -> None:
    """Two sessions at once are the normal case: a long list must not lock the shop."""
    engine = open_database(f"sqlite:///{tmp_path}/legacy.db", connections=2)
    count = text("SELECT count(*) FROM product")
    with engine.connect() as reader, engine.connect() as writer:
        reader.exec_driver_sql("BEGIN")
        assert reader.scalar(count) == 0
        writer.execute(text("INSERT INTO product (name, price) VALUES ('Caneca', 1)"))
        writer.commit()
        assert reader.scalar(count) == 0, "what it began with"
        reader.rollback()
        assert reader.scalar(count) == 1
    engine.dispose()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file, not a folder")
    with pytest.raises(StartError) as caught:
        open_database(f"sqlite:///{tmp_path}/var/legacy.db", connections=1)
    assert str(caught.value).startswith(f"database {tmp_path}/var/legacy.db: its folder cannot")
    assert "LEGACY_DATABASE_URL" in str(caught.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "legacy.db").write_text("no database at all " * 100)
    with pytest.raises(StartError) as caught:
        open_database(f"sqlite:///{tmp_path}/legacy.db", connections=1)
    assert "SQLite says: file is not a database" in str(caught.value)
