"""The two probes."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url
from starlette.applications import Starlette

from image_service.blobs import FolderBlobs
from image_service.database import open_database
from image_service.health import Health
from image_service.store import Store


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


@pytest.mark.parametrize("path", ["/", "/docs", "/images/", "/livez/"])
async def test_nothing_else_is_public(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404
