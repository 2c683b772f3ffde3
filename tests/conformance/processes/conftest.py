"""Ports that are closed in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from tests.conformance.processes.port import Port


@pytest.fixture
async def make_port() -> AsyncIterator[Callable[..., Port]]:
    """Opens ports that are closed in the end."""
    ports: list[Port] = []

    def make(workers: int = 1) -> Port:
        ports.append(Port(workers))
        return ports[-1]

    yield make
    for port in ports:
        await port.close()
