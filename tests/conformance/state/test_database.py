"""Opening a database: what an operator is told when it fails."""

from __future__ import annotations

import sqlite3
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from anyio import run_process
from sqlalchemy import text

from gateway.errors import StartError
from gateway.state.database import Database, open_database
from tests.support.postgres import EMPTY, run_as_admin

SECRET = "hunter2"  # noqa: S105 - of no real account


async def _start(url: str) -> None:
    database = open_database(url)
    try:
        await database.upgrade()
    finally:
        await database.close()


async def _refusal(url: str) -> str:
    with pytest.raises(StartError) as caught:
        await _start(url)
    return str(caught.value)


async def test_a_reader_that_leaves_takes_nothing_away(tmp_path: Path) -> None:
    """Though this process has opened the file twice, and closed it once."""
    url = f"sqlite+aiosqlite:///{tmp_path}/figueira.db"
    database = open_database(url)
    try:
        await database.upgrade()
        await open_database(url).close()
        look = f"import sqlite3; c = sqlite3.connect({str(tmp_path / 'figueira.db')!r}); "
        look += "c.execute('SELECT * FROM revisions').fetchall(); c.close()"
        await run_process([sys.executable, "-c", look])
        async with database.write() as connection:
            await connection.execute(text("DELETE FROM revisions"))
        # SQLite's own: whoever closes the last connection removes it.
        assert (tmp_path / "figueira.db-wal").exists()
    finally:
        await database.close()


def _not_a_database(folder: Path) -> str:
    (folder / "figueira.db").write_text("version: 1\n" * 100)
    return f"sqlite+aiosqlite:///{folder}/figueira.db"


def _folder_is_a_file(folder: Path) -> str:
    (folder / "var").write_text("")
    return f"sqlite+aiosqlite:///{folder}/var/figueira.db"


def _folder_cannot_be_made(folder: Path) -> str:
    del folder
    return "sqlite+aiosqlite:////proc/figueira/figueira.db"


def _file_is_a_folder(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder}"


def _read_only(folder: Path) -> str:
    with sqlite3.connect(folder / "figueira.db") as connection:
        connection.execute("CREATE TABLE other (number INTEGER)")
    connection.close()
    return f"sqlite+aiosqlite:///file:{folder}/figueira.db?mode=ro&uri=true"


def _written_by_a_newer_version(folder: Path) -> str:
    with sqlite3.connect(folder / "figueira.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()
    return f"sqlite+aiosqlite:///{folder}/figueira.db"


@pytest.mark.parametrize(
    ("make", "why", "remedy"),
    [
        (_not_a_database, "file is not a database", "move this file away"),
        (_folder_is_a_file, "File exists", "let this user write"),
        (_folder_cannot_be_made, "No such file or directory", "let this user write"),
        (_file_is_a_folder, "Is a directory", "let this user write"),
        (_read_only, "attempt to write a readonly database", "let this user write"),
        (_written_by_a_newer_version, "'9999'", "start the version of Figueira that wrote it"),
    ],
)
async def test_an_unusable_file_is_one_line_with_place_reason_and_remedy(
    make: Callable[[Path], str], why: str, remedy: str, tmp_path: Path
) -> None:
    line = await _refusal(make(tmp_path))
    assert line.startswith("cannot use the database sqlite+aiosqlite:///")
    assert why in line
    assert remedy in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("url", "why", "remedy"),
    [
        pytest.param("@127.0.0.1:1/figueira", "127.0.0.1", "the server runs", id="refused"),
        pytest.param("@/figueira?host=/nowhere", "No such file", "the server runs", id="no-socket"),
        pytest.param("@127.0.0.1:1/d?sslmode=require", "sslmode", "FIGUEIRA_DATABASE_URL", id="?"),
        pytest.param("@127.0.0.1:1/d?ssl=oops", "ssl", "FIGUEIRA_DATABASE_URL", id="ssl"),
        pytest.param(f"@127.0.0.1:1/d?password={SECRET}", "failed", "the server runs", id="query"),
        pytest.param(f"@{SECRET}@127.0.0.1:1/d", "holds an @", "%40", id="unescaped"),
        pytest.param("@127.0.0.1:port/d", "no database URL", "HOST", id="no-port"),
    ],
)
async def test_an_unusable_server_is_named_without_the_password(
    url: str, why: str, remedy: str
) -> None:
    line = await _refusal(f"postgresql+asyncpg://figueira:{SECRET}{url}")
    assert why in line
    assert remedy in line
    assert SECRET not in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "url",
    [
        "",
        f"{SECRET}",
        f"postgresql://figueira:{SECRET}@db/figueira",
        f"postgres://figueira:{SECRET}@db/figueira",
        f"mysql+aiomysql://figueira:{SECRET}@db/figueira",
        "sqlite:///figueira.db",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
    ],
)
async def test_any_other_url_is_refused_with_the_two_forms_that_work(url: str) -> None:
    line = await _refusal(url)
    assert "FIGUEIRA_DATABASE_URL" in line
    assert "write sqlite+aiosqlite:///FOLDER/FILE or postgresql+asyncpg://" in line
    assert SECRET not in line


async def test_a_missing_driver_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    line = await _refusal(f"postgresql+asyncpg://figueira:{SECRET}@127.0.0.1:1/figueira")
    assert "asyncpg" in line
    assert "pip install 'figueira[postgres]'" in line


async def test_a_database_the_server_does_not_have_is_said_to_be_missing(
    postgres: Path,
) -> None:
    line = await _refusal(f"postgresql+asyncpg://postgres:{SECRET}@/absent?host={postgres}")
    assert 'database "absent" does not exist; create that database' in line
    assert SECRET not in line


async def test_a_user_without_rights_is_told_which_are_missing(postgres: Path) -> None:
    """First the schema is hidden from the user, then it may only be looked at."""
    guest = f"postgresql+asyncpg://guest:{SECRET}@/postgres?host={postgres}"
    await run_as_admin(postgres, *EMPTY, "CREATE ROLE guest LOGIN")
    hidden = await _refusal(guest)
    await run_as_admin(postgres, "GRANT USAGE ON SCHEMA public TO guest")
    visible = await _refusal(guest)
    await run_as_admin(postgres, *EMPTY, "DROP ROLE guest")
    assert "grant this user the right to create tables" in hidden
    assert "grant this user the right to create tables" in visible


async def test_the_file_and_its_folder_are_made_for_this_user_alone(tmp_path: Path) -> None:
    await _start(f"sqlite+aiosqlite:///{tmp_path}/var/state/figueira.db")
    assert stat.S_IMODE((tmp_path / "var/state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "var/state/figueira.db").stat().st_mode) == 0o600


async def test_a_failing_block_leaves_nothing_behind(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as connection:
            await connection.exec_driver_sql("DELETE FROM alembic_version")
            raise KeyError("the caller's own")

    with pytest.raises(KeyError, match="the caller's own"):
        await fail()
    async with database.read() as connection:
        rows = (await connection.exec_driver_sql("SELECT version_num FROM alembic_version")).all()
    assert len(rows) == 1
