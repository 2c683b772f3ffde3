"""A door, and two sides behind it whose every byte is in the test's hands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from gateway.routing.protection import Fallback, SoftError
from gateway.routing.snapshot import Backend, Match, Route, Snapshot, Trust
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage, at_port

OpenShop = Callable[..., Awaitable[Stage]]
SOFT_404 = SoftError(json="$.error", counts_as=404)
SOFT_503 = SoftError(json="$.busy", counts_as=503)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Production's loop."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def candidate() -> Iterator[Origin]:
    """The side that requests go to at first."""
    origin = Origin()
    yield origin
    origin.close()


@pytest.fixture
def legacy() -> Iterator[Origin]:
    """The side that can answer as well."""
    origin = Origin()
    yield origin
    origin.close()


@pytest.fixture
async def open_shop(candidate: Origin, legacy: Origin) -> AsyncIterator[OpenShop]:
    """Open a door to the candidate, which falls back to the monolith unless the test says else."""
    stages: list[Stage] = []

    async def open_one(*, other: dict[str, Any] | None = None, **changes: Any) -> Stage:
        settings: dict[str, Any] = {"fallback": Fallback(to="legacy")} | changes
        sides = (
            Backend(name="candidate", addresses=at_port(candidate.port), **settings),
            Backend(name="legacy", addresses=at_port(legacy.port), **(other or {})),
        )
        route = Route(name="all", matches=(Match(path_prefix="/"),), backend="candidate")
        stage = Stage(Snapshot(digest="0" * 64, trust=Trust(), backends=sides, routes=(route,)))
        stages.append(stage)
        await stage.open()
        return stage

    yield open_one
    for stage in stages:
        await stage.close()


@pytest.fixture
async def shop(open_shop: OpenShop) -> Stage:
    """Such a door with soft errors on both sides."""
    rules = (SOFT_404, SOFT_503)
    return await open_shop(soft_errors=rules, other={"soft_errors": rules})
