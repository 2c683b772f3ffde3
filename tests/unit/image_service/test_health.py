"""The two probes."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import aiosqlite
import httpx
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.applications import Starlette

from image_service import health, writer
from image_service.blobs import FolderBlobs
from image_service.database import open_database
from image_service.health import Health
from image_service.parts import open_parts
from image_service.settings import Settings
from image_service.store import Store
from tests.unit.image_service.conftest import PRICES, FakeProvider


async def test_a_working_service_is_ready(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"blobs": "ok", "database": "ok"}}


async def test_without_its_blobs_a_service_is_alive_but_not_ready(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "blobs")
    (tmp_path / "blobs").touch()
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "checks": {"blobs": "failed", "database": "ok"}}
    assert (await client.get("/livez")).json() == {"status": "ok"}


async def test_without_its_database_a_service_is_not_ready(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        free = holder.getsockname()[1]
    url = make_url(f"postgresql+asyncpg://shop:hunter2@127.0.0.1:{free}/shop")
    store = Store(open_database(url))
    app = Starlette(routes=Health(store=store, blobs=FolderBlobs(tmp_path)).routes())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://images.test") as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "checks": {"blobs": "ok", "database": "failed"}}


async def test_a_database_that_can_be_read_and_not_written_is_told(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is asked; and it is well again as soon as it can be written."""
    monkeypatch.setattr(writer, "_RECENT_S", 0.0)
    monkeypatch.setattr(health, "_CHECK_TIMEOUT_S", 0.5)
    path = tmp_path / "data" / "images.db"
    async with aiosqlite.connect(path, isolation_level=None) as other:
        await other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            answer = await client.get("/readyz")
            assert answer.status_code == 503
            assert answer.json()["checks"] == {"blobs": "ok", "database": "failed"}
            assert (await client.get("/images")).status_code == 200
        await other.execute("ROLLBACK")
    monkeypatch.undo()
    assert (await client.get("/readyz")).status_code == 200


async def test_probes_write_a_row_at_most_every_five_seconds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []
    touch = writer._touch

    async def count(connection: AsyncConnection) -> None:
        written.append(connection)
        await touch(connection)

    monkeypatch.setattr(writer, "_touch", count)
    async with open_parts(settings, provider=FakeProvider(), prices=PRICES) as parts:
        for _ in range(20):
            await parts.workshop.writer.check()
    assert len(written) == 1


@pytest.mark.parametrize("path", ["/", "/docs", "/images/", "/livez/"])
async def test_nothing_else_is_public(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404
