"""A door and an origin behind it, on the event loop that production uses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from gateway.routing.snapshot import Backend
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.servers import DIRECT, Door
from tests.conformance.doors.stage import Stage, at_port, shop

NewOrigin = Callable[..., Origin]
OpenStage = Callable[..., Awaitable[Stage]]


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
def slow_origin(new_origin: NewOrigin) -> Origin:
    """A backend that takes in little that it has not read."""
    return new_origin(receive_buffer_bytes=64 * 1024)


@pytest.fixture
async def open_stage(origin: Origin) -> AsyncIterator[OpenStage]:
    """Open a door whose backend is configured as the test says."""
    stages: list[Stage] = []

    async def open_one(
        door: Door = DIRECT,
        *,
        port: int = origin.port,
        send_buffer_bytes: int | None = None,
        **changes: Any,
    ) -> Stage:
        settings: dict[str, Any] = {"name": "legacy", "addresses": at_port(port)} | changes
        stage = Stage(shop(Backend(**settings)))
        stages.append(stage)
        await stage.open(door, send_buffer_bytes=send_buffer_bytes)
        return stage

    yield open_one
    for stage in stages:
        await stage.close()


@pytest.fixture
async def stage(open_stage: OpenStage) -> Stage:
    """A door with everything as by default."""
    return await open_stage()
