"""The service on a port of its own, bought for by a fake OpenAI or painting itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import openai
import pytest

from tests.support.fake_openai import FakeOpenAI
from tests.support.image_server import serving


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The asynchronous client runs on asyncio here."""
    return "asyncio"


@pytest.fixture(scope="session")
def provider_server() -> Iterator[FakeOpenAI]:
    """Where the service buys."""
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def fake(provider_server: FakeOpenAI) -> FakeOpenAI:
    """The same, with an empty book."""
    provider_server.reset()
    return provider_server


@pytest.fixture
def buying_url(provider_server: FakeOpenAI, tmp_path: Path) -> Iterator[str]:
    """The base URL of a service that buys its pictures."""
    settings = {"OPENAI_API_KEY": "sk-very-secret", "OPENAI_BASE_URL": provider_server.url}
    with serving(tmp_path / "buying", settings) as url:
        yield f"{url}/v1"


@pytest.fixture
def painting_url(tmp_path: Path) -> Iterator[str]:
    """The base URL of a service that paints its pictures itself."""
    settings = {"IMAGE_PROVIDER": "procedural", "IMAGE_MODERATION_WORDS": "proibido"}
    with serving(tmp_path / "painting", settings) as url:
        yield f"{url}/v1"


@pytest.fixture
def buyer(buying_url: str) -> Iterator[openai.OpenAI]:
    """A client as anybody writes it, but for the address."""
    with openai.OpenAI(api_key="unused", base_url=buying_url) as client:
        yield client


@pytest.fixture
def painter(painting_url: str) -> Iterator[openai.OpenAI]:
    """The same, in front of the service that paints itself."""
    with openai.OpenAI(api_key="unused", base_url=painting_url) as client:
        yield client


@pytest.fixture
async def async_buyer(buying_url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    """The asynchronous client."""
    async with openai.AsyncOpenAI(api_key="unused", base_url=buying_url) as client:
        yield client
