"""A pool and origins for it, on the event loop that production uses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from gateway.proxy.pool import Pool
from gateway.proxy.transport import PoolTransport
from gateway.routing.snapshot import Address, Backend
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.wire import until

NewOrigin = Callable[..., Origin]
OpenPool = Callable[..., Pool]
OpenClient = Callable[..., httpx.AsyncClient]


def at(*origins: Origin) -> tuple[Address, ...]:
    """Where they listen."""
    return tuple(Address(host="127.0.0.1", port=origin.port) for origin in origins)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Production's loop."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def new_origin() -> Iterator[NewOrigin]:
    """Make a backend with a nature of its own."""
    origins: list[Origin] = []

    def make(**nature: int) -> Origin:
        origins.append(Origin(**nature))
        return origins[-1]

    yield make
    for origin in origins:
        origin.close()


@pytest.fixture
def origin(new_origin: NewOrigin) -> Origin:
    """A backend under the test's control."""
    return new_origin()


@pytest.fixture
async def open_pool(origin: Origin) -> AsyncIterator[OpenPool]:
    """Open a pool to a backend that is configured as the test says."""
    pools: list[Pool] = []

    def open_one(*origins: Origin, **changes: Any) -> Pool:
        settings = {"name": "legacy", "addresses": at(*(origins or (origin,)))} | changes
        pools.append(Pool(Backend(**settings)))
        return pools[-1]

    yield open_one
    for pool in pools:
        pool.close()
        pool._waiting.clear()
        for connection in pool._address_of:
            connection.abandon()
        await until(lambda pool=pool: pool.open_connections == 0)  # type: ignore[misc] # a lambda's default has no type


@pytest.fixture
async def open_client(open_pool: OpenPool) -> AsyncIterator[OpenClient]:
    """Open a client of httpx over such a pool."""
    clients: list[httpx.AsyncClient] = []

    def open_one(*origins: Origin, **changes: Any) -> httpx.AsyncClient:
        transport = PoolTransport(open_pool(*origins, **changes))
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://shop"))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(open_client: OpenClient) -> httpx.AsyncClient:
    """A client with everything as by default."""
    return open_client()
