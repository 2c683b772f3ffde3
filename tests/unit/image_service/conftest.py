"""A running image service in this process, with its database and blobs in a test's own folder."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import httpx
import pytest
from sqlalchemy.engine import make_url

from image_service.app import create_app
from image_service.contract import Order
from image_service.database import open_database
from image_service.job_settings import read_job_settings
from image_service.ledger.prices import ModelPrices, Prices, TokenPrices
from image_service.providers.port import Call, Painted, Partial, Provider
from image_service.providers.procedural import render
from image_service.settings import Settings, read_settings

PRICES = Prices({"procedural": None, "fake": None})
"""The fake provider is free, unless a test says otherwise."""
PAID = Prices(
    {
        "fake": ModelPrices(
            tokens=TokenPrices(text_input=0, image_input=0, image_output=10, text_output=1),
            images={"else": {"auto": 0.2}},
        )
    }
)
"""A picture costs twenty cents at most."""


class RunApp(Protocol):
    """Starts the service on the test's folder with a given provider, free unless told otherwise."""

    def __call__(
        self, painter: Provider, prices: Prices = ..., changes: Mapping[str, str] = ...
    ) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """Yield a customer of the running service; `changes` are settings of its own."""


class FakeProvider:
    """Paints small pictures at once; can be held up, and can fail.

    Attributes:
        gate: Painting waits for it; open unless a test closes it.
        failure: Raised instead of painting.
        failures: Raised instead of painting, one after the other, before ``failure``.
        partials: Sent before the picture, to who asks for some.
        calls: How it was called, in the order in which painting began.
        prompts: What was ordered, in the order in which painting began.
    """

    name = "fake"

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.failures: list[Exception] = []
        self.partials: list[bytes] = []
        self.calls: list[Call] = []
        self.prompts: list[str] = []
        self.started = asyncio.Event()

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Paint with the procedural renderer."""
        self.calls.append(call)
        self.prompts.append(order.prompt)
        self.started.set()
        if call.on_partial is not None:
            for index, content in enumerate(self.partials):
                await call.on_partial(Partial(index=index, content=content))
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        if self.failure is not None:
            raise self.failure
        content = render(order.prompt, order.size.width, order.size.height)
        return Painted(content=content, provider=self.name)

    async def close(self) -> None:
        """Hold nothing."""


@pytest.fixture
def anyio_backend() -> str:
    """The service runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables; making them takes as long as a whole test."""
    path = tmp_path_factory.mktemp("database") / "images.db"

    async def make() -> None:
        database = open_database(make_url(f"sqlite+aiosqlite:///{path}"))
        await database.prepare()
        await database.close()

    asyncio.run(make())
    return path


@pytest.fixture
def settings(tmp_path: Path, empty_database: Path) -> Settings:
    """Nothing outside the test's folder, and no provider that costs money."""
    (tmp_path / "data").mkdir()
    shutil.copy(empty_database, tmp_path / "data" / "images.db")
    return read_settings(
        {
            "IMAGE_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/data/images.db",
            "IMAGE_BLOB_URL": f"{tmp_path}/blobs",
            "IMAGE_PROVIDER": "procedural",
            "IMAGE_CONCURRENCY": "2",
        }
    )


@pytest.fixture
def provider() -> FakeProvider:
    """The provider that ``client`` orders from."""
    return FakeProvider()


@pytest.fixture
def run_app(settings: Settings) -> RunApp:
    """Starts the service on the test's folder with a given provider."""

    @asynccontextmanager
    async def run(
        painter: Provider, prices: Prices = PRICES, changes: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.AsyncClient]:
        chosen = replace(settings, jobs=read_job_settings(changes or {}))
        app = create_app(chosen, provider=painter, prices=prices)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://images.test") as client,
        ):
            yield client

    return run


@pytest.fixture
async def client(run_app: RunApp, provider: FakeProvider) -> AsyncIterator[httpx.AsyncClient]:
    """A customer of the running service."""
    async with run_app(provider) as customer:
        yield customer


async def order(client: httpx.AsyncClient, prompt: str = "praia") -> int:
    """Order a small picture and return its id."""
    answer = await client.post("/images", json={"prompt": prompt, "size": "256x256"})
    image_id = answer.json()["id"]
    assert isinstance(image_id, int)
    return image_id
