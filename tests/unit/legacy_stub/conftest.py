"""A running monolith in this process, its database in a folder of the test's own."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from legacy_stub.app import create_app
from legacy_stub.settings import Settings
from tests.unit.legacy_stub.shopping import PASSWORD, Browser


@pytest.fixture
def anyio_backend() -> str:
    """The monolith's pool hangs on asyncio's event loop."""
    return "asyncio"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """No waiting, and nothing outside the test's folder."""
    return Settings(database_url=f"sqlite:///{tmp_path}/legacy.db", image_delay_s=0)


def fake_png(prompt: str, width: int, height: int) -> bytes:
    """Stand in for the renderer: what it was asked for, as text."""
    return f"{prompt} {width}x{height}".encode()


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A customer of the monolith."""
    app = create_app(settings, render=fake_png)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://shop.test"
        ) as customer,
    ):
        yield customer


@pytest.fixture
def browser(client: httpx.AsyncClient) -> Browser:
    """A person who has never been here."""
    return Browser(client)


@pytest.fixture
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ana's password, hashed in no time."""
    hashed = hashlib.scrypt(PASSWORD.encode(), salt=b"sal", n=2, r=1, p=1).hex()
    monkeypatch.setattr("legacy_stub.shop_accounts.SEED_HASH", f"scrypt:2:1:1$sal${hashed}")
