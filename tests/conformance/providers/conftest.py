"""The provider as the service assembles it, in front of a fake OpenAI on a port of its own."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from image_service.contract import SIZES, Order
from image_service.providers.checked import CheckedProvider
from image_service.providers.openai import Account, OpenAIProvider
from image_service.providers.port import Provider
from tests.support.fake_openai import FakeOpenAI
from tests.support.processes import free_port

MODEL = "gpt-image-2.5-flare"
# A backlog of 0 still lets one or two wait.
_MORE_THAN_WAIT = 4


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The service runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def _server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def fake(_server: FakeOpenAI) -> FakeOpenAI:
    """The fake, with an empty book."""
    _server.reset()
    return _server


def order(prompt: str, size: str = "1024x1024") -> Order:
    """An order that belongs to no product."""
    return Order(prompt=prompt, size=SIZES[size], product_id=None)


@contextlib.asynccontextmanager
async def opened(base_url: str, *, timeout_s: float = 30.0) -> AsyncIterator[Provider]:
    """The OpenAI provider, with every picture checked; it never adds to its pauses by chance."""
    account = Account(api_key="sk-very-secret", base_url=base_url, timeout_s=timeout_s)
    provider = CheckedProvider(OpenAIProvider(model=MODEL, account=account, draw=lambda: 0.0))
    try:
        yield provider
    finally:
        await provider.close()


@pytest.fixture
def unused_url() -> str:
    """Where nobody listens."""
    return f"http://127.0.0.1:{free_port()}/v1"


@pytest.fixture
def full_url() -> Iterator[str]:
    """Where somebody listens who takes no more connections: further ones wait for ever."""
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(_MORE_THAN_WAIT):
            caller = open_sockets.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}/v1"
