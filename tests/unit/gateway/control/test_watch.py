"""Every way to change a file is seen, by the system's events and not by the look once a second."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
import watchfiles

from gateway.control import watch
from gateway.control.watch import changes
from tests.support.routes_file import RoutesFile


class Seen:
    """What a watcher of the file sees."""

    def __init__(self, path: Path, stop: asyncio.Event) -> None:
        self._path = path
        self._stop = stop
        self._looked = asyncio.Event()

    async def watch(self) -> None:
        """Watch until stopped."""
        async with aclosing(changes(self._path, self._stop)) as found:
            async for _ in found:
                self._looked.set()

    async def again(self) -> None:
        """Wait for a look, whatever it finds."""
        await self._looked.wait()
        self._looked.clear()

    async def until(self, text: str | None) -> None:
        """Wait for a look that finds this content; None for no file."""
        async with asyncio.timeout(5):
            while True:
                await self.again()
                if (self._path.read_text() if self._path.exists() else None) == text:
                    return


@asynccontextmanager
async def watching(path: Path) -> AsyncIterator[Seen]:
    """Watch a file while the block runs; the watcher must end when it is told to."""
    stop = asyncio.Event()
    seen = Seen(path, stop)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(seen.watch())
        yield seen
        stop.set()


@pytest.fixture(autouse=True)
def no_looking_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without events, these tests hang and fail."""
    monkeypatch.setattr(watch, "_LOOK_ANYWAY_MS", 60_000)


@pytest.fixture
def file(tmp_path: Path) -> RoutesFile:
    """A file in a folder of its own."""
    folder = tmp_path / "etc"
    folder.mkdir()
    return RoutesFile(folder / "routes.yaml", "0")


async def test_the_tests_can_tell(file: RoutesFile) -> None:
    """A link to a file elsewhere is not seen by events: it takes the look once a second."""
    elsewhere = file.path.parent.parent / "elsewhere"
    elsewhere.write_text("0")
    file.path.unlink()
    file.path.symlink_to(elsewhere)
    async with watching(file.path) as seen:
        await _settle(file.path, seen)
        elsewhere.write_text("1")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await seen.until("1")


async def _settle(path: Path, seen: Seen) -> None:
    """Wait until the watch stands: until a change in the folder is seen."""
    mark = path.with_name("mark")
    async with asyncio.timeout(5):
        while True:
            mark.touch()
            try:
                async with asyncio.timeout(0.07):
                    await seen.again()
            except TimeoutError:
                continue
            return


@pytest.mark.parametrize(
    "change",
    [
        RoutesFile.rename_over,
        RoutesFile.write_in_place,
        RoutesFile.swap_symlink,
        RoutesFile.swap_folder,
    ],
    ids=lambda change: change.__name__,
)
async def test_each_way_to_edit_a_file_is_seen_again_and_again(
    file: RoutesFile, change: Callable[[RoutesFile, str], None]
) -> None:
    async with watching(file.path) as seen:
        await _settle(file.path, seen)
        for text in "123":
            change(file, text)
            await seen.until(text)


async def test_a_file_that_is_deleted_and_comes_back_is_seen(file: RoutesFile) -> None:
    async with watching(file.path) as seen:
        await _settle(file.path, seen)
        file.remove()
        await seen.until(None)
        file.path.write_text("2")
        await seen.until("2")


@pytest.mark.parametrize("way", ["deleted", "moved away"])
async def test_a_folder_that_goes_and_comes_back_is_watched_again(
    file: RoutesFile, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only while it is away the file is looked at in intervals."""
    folder = file.path.parent
    async with watching(file.path) as seen:
        await _settle(file.path, seen)
        monkeypatch.setattr(watch, "_LOOK_ANYWAY_MS", 20)
        if way == "deleted":
            shutil.rmtree(folder)
        else:
            folder.rename(folder.with_name("old"))
        await seen.until(None)
        monkeypatch.setattr(watch, "_LOOK_ANYWAY_MS", 60_000)
        folder.mkdir()
        file.path.write_text("2")
        await _settle(file.path, seen)
        file.rename_over("3")
        await seen.until("3")


async def test_a_folder_behind_a_link_that_is_swapped_is_watched_anew(
    file: RoutesFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As releases are switched: ``current -> releases/42``."""
    monkeypatch.setattr(watch, "_LOOK_ANYWAY_MS", 50)
    current, new = file.path.parent.with_name("current"), file.path.parent.with_name("new")
    current.symlink_to(file.path.parent)
    new.mkdir()
    (new / "routes.yaml").write_text("2")
    async with watching(current / "routes.yaml") as seen:
        await seen.until("0")
        link = current.with_name("link")
        link.symlink_to(new)
        link.replace(current)
        await seen.until("2")
        monkeypatch.setattr(watch, "_LOOK_ANYWAY_MS", 60_000)
        await _settle(current / "routes.yaml", seen)
        (new / "routes.yaml").write_text("3")
        await seen.until("3")


async def test_without_any_watch_from_the_system_the_file_is_still_looked_at(
    file: RoutesFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its inotify instances are counted per user, and others may have used them up."""

    def exhausted(*_: object, **__: object) -> object:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(watchfiles.main, "RustNotify", exhausted)
    monkeypatch.setattr(watch, "_LOOK_ANYWAY_MS", 5)
    async with watching(file.path) as seen:
        await seen.until("0")
        file.write_in_place("1")
        await seen.until("1")
