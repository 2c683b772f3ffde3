"""Derivatives are made once, a few at a time, and never on the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from image_service.blobs import FolderBlobs
from image_service.blobs.facts import KnownBlobs, read_all
from image_service.derivatives.making import Derivatives
from image_service.derivatives.recipe import PRESET_SIDES, Recipe
from image_service.errors import BusyError, MissingBlobError, UnreadablePictureError
from image_service.tasks import Tasks
from tests.support.waiting import until

_RECIPE = Recipe(media_format="webp", width=64, height=None, fit="contain")


class Kitchen:
    """Makes derivatives that are their recipe's name, and counts.

    Attributes:
        gate: Every making waits for it.
        made: How often something was made, and is being made now, and was at most.
        failure: Raised instead.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.made = self.now = self.most = 0
        self.failure: Exception | None = None
        self._lock = threading.Lock()

    def render(self, content: bytes, recipe: Recipe) -> bytes:
        """Make one."""
        assert threading.current_thread() is not threading.main_thread()
        with self._lock:
            self.made += 1
            self.now += 1
            self.most = max(self.most, self.now)
        self.gate.wait(5)
        with self._lock:
            self.now -= 1
        if self.failure is not None:
            raise self.failure
        return content + str(recipe).encode()


@pytest.fixture
def kitchen() -> Kitchen:
    """What makes them."""
    return Kitchen()


@pytest.fixture
def open_derivatives(tmp_path: Path, kitchen: Kitchen) -> Callable[[], Derivatives]:
    """Opens them as another process would."""

    def opened() -> Derivatives:
        blobs = FolderBlobs(tmp_path)
        known = KnownBlobs(blobs)
        return Derivatives(blobs=blobs, known=known, tasks=Tasks(), render=kitchen.render)

    return opened


async def test_however_many_ask_it_is_made_once(
    tmp_path: Path, kitchen: Kitchen, open_derivatives: Callable[[], Derivatives]
) -> None:
    sha256 = await FolderBlobs(tmp_path).put(b"picture")
    derivatives = open_derivatives()
    found = await asyncio.gather(*(derivatives.find(sha256, _RECIPE) for _ in range(40)))
    assert (kitchen.made, len(set(found))) == (1, 1)
    content = await read_all(FolderBlobs(tmp_path), found[0].key, found[0].size_bytes)
    assert content == b"picture" + str(_RECIPE).encode()
    # Nor by a process that starts later.
    assert await open_derivatives().find(sha256, _RECIPE) == found[0]
    assert kitchen.made == 1


async def test_two_processes_agree_on_one(
    tmp_path: Path, kitchen: Kitchen, open_derivatives: Callable[[], Derivatives]
) -> None:
    sha256 = await FolderBlobs(tmp_path).put(b"picture")
    kitchen.gate.clear()
    both = [
        asyncio.ensure_future(open_derivatives().find(sha256, _RECIPE))  # noqa: TID251 - awaited below
        for _ in range(2)
    ]
    await until(lambda: kitchen.now == 2)
    kitchen.gate.set()
    first, second = await asyncio.gather(*both)
    assert first == second


async def test_whoever_leaves_takes_it_from_nobody(
    tmp_path: Path, kitchen: Kitchen, open_derivatives: Callable[[], Derivatives]
) -> None:
    sha256 = await FolderBlobs(tmp_path).put(b"picture")
    derivatives = open_derivatives()
    kitchen.gate.clear()
    leaver, stayer = (
        asyncio.ensure_future(derivatives.find(sha256, _RECIPE))  # noqa: TID251 - awaited below
        for _ in range(2)
    )
    await until(lambda: kitchen.now == 1)
    leaver.cancel()
    await asyncio.sleep(0)
    kitchen.gate.set()
    assert (await stayer).size_bytes > 0
    assert kitchen.made == 1


async def test_few_are_made_at_once_and_too_many_are_refused(
    tmp_path: Path, kitchen: Kitchen, open_derivatives: Callable[[], Derivatives]
) -> None:
    blobs = FolderBlobs(tmp_path)
    sources = [await blobs.put(b"picture %d" % number) for number in range(20)]
    derivatives = open_derivatives()
    kitchen.gate.clear()
    wanted = [
        derivatives.find(
            sha256, Recipe(media_format="webp", width=side, height=None, fit="contain")
        )
        for sha256 in sources
        for side in PRESET_SIDES
    ]
    waiting = asyncio.gather(*wanted, return_exceptions=True)
    await until(lambda: kitchen.now == 2)
    kitchen.gate.set()
    results = await waiting
    refused = [result for result in results if isinstance(result, BusyError)]
    assert (len(results), len(refused), kitchen.made) == (100, 36, 64)
    assert kitchen.most == 2


async def test_a_failure_is_everybodys_and_is_not_remembered(
    tmp_path: Path, kitchen: Kitchen, open_derivatives: Callable[[], Derivatives]
) -> None:
    sha256 = await FolderBlobs(tmp_path).put(b"picture")
    derivatives = open_derivatives()
    kitchen.failure = UnreadablePictureError("no picture")
    results = await asyncio.gather(
        *(derivatives.find(sha256, _RECIPE) for _ in range(5)), return_exceptions=True
    )
    assert {type(result) for result in results} == {UnreadablePictureError}
    assert kitchen.made == 1
    kitchen.failure = None
    assert (await derivatives.find(sha256, _RECIPE)).size_bytes > 0


async def test_nothing_is_made_of_nothing(
    kitchen: Kitchen, open_derivatives: Callable[[], Derivatives]
) -> None:
    with pytest.raises(MissingBlobError):
        await open_derivatives().find("0" * 64, _RECIPE)
    assert kitchen.made == 0
