"""A door, and two sides behind it whose every byte is in the test's hands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from gateway.routing.protection import Fallback, SoftError
from gateway.routing.snapshot import (
    Backend,
    IdRange,
    Match,
    Owner,
    Route,
    Share,
    Snapshot,
    Sticky,
    Trust,
)
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


_ALL = Route(name="all", matches=(Match(path_prefix="/"),), backend="candidate")
_IMAGES = Route(
    name="images",
    matches=(Match(path_prefix="/images"),),
    shares=(
        Share(backend="candidate", start=0, end=99_999),
        Share(backend="legacy", start=99_999, end=100_000),
    ),
    sticky=(Sticky(source="header", name="x-customer-id"),),
    owner=Owner(
        collection="/images",
        ranges=(
            IdRange(backend="legacy", first=1, last=1000),
            IdRange(backend="candidate", first=1001, last=None),
        ),
        unknown="legacy",
        lists="candidate",
    ),
)


@pytest.fixture
async def open_shop(candidate: Origin, legacy: Origin) -> AsyncIterator[OpenShop]:
    """Open a door to the candidate, which falls back to the monolith unless the test says else.

    Whom images are created by the split decides: the candidate, but for one in 100,000.
    """
    stages: list[Stage] = []

    async def open_one(*, other: dict[str, Any] | None = None, **changes: Any) -> Stage:
        settings: dict[str, Any] = {"fallback": Fallback(to="legacy")} | changes
        sides = (
            Backend(name="candidate", **({"addresses": at_port(candidate.port)} | settings)),
            Backend(name="legacy", addresses=at_port(legacy.port), **(other or {})),
        )
        stage = Stage(
            Snapshot(digest="0" * 64, trust=Trust(), backends=sides, routes=(_IMAGES, _ALL))
        )
        stages.append(stage)
        await stage.open()
        return stage

    yield open_one
    for stage in stages:
        await stage.close()


@pytest.fixture
def new_origin() -> Iterator[Callable[[], Origin]]:
    """Make more backends."""
    origins: list[Origin] = []

    def make() -> Origin:
        origins.append(Origin())
        return origins[-1]

    yield make
    for origin in origins:
        origin.close()


@pytest.fixture
async def shop(open_shop: OpenShop) -> Stage:
    """Such a door with soft errors on both sides."""
    rules = (SOFT_404, SOFT_503)
    return await open_shop(soft_errors=rules, other={"soft_errors": rules})
