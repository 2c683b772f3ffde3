"""The gateway in one event loop, for ASGI servers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.control import watch
from gateway.control.single import running_gateway
from gateway.errors import ConfigError, StartError
from gateway.settings import Settings
from gateway.telemetry.access_line import AccessLine
from tests.support import flippable
from tests.support.ailing_origin import ailing_origin
from tests.support.flippable import BAD
from tests.support.routes_file import RoutesFile
from tests.support.waiting import until


@pytest.fixture
def file(tmp_path: Path) -> RoutesFile:
    """A good file."""
    return RoutesFile(tmp_path / "routes.yaml", flippable.text())


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change made before the watch stands is found by the look that comes anyway."""
    monkeypatch.setattr(watch, "_LOOK_ANYWAY_MS", 20)


def _settings(file: RoutesFile, access_log: str = "off") -> Settings:
    return Settings(config=file.path, access_log=access_log)


async def test_it_follows_its_file_past_a_bad_one(
    file: RoutesFile, caplog: pytest.LogCaptureFixture
) -> None:
    """What is wrong with a file is told in the log: there is no admin port to tell it."""
    async with running_gateway(_settings(file)) as gateway:
        assert gateway.revision == 1
        file.rename_over(BAD)
        await until(lambda: "revision_refused serving=1" in caplog.text)
        file.rename_over(flippable.text(25))
        await until(lambda: gateway.revision == 2)
        assert gateway.table.snapshot == flippable.snapshot(25)


async def test_safety_judges_by_the_traffic_of_this_process(
    file: RoutesFile, caplog: pytest.LogCaptureFixture
) -> None:
    safety = "safety: {max_moved: 10%}\n"
    file.rename_over(flippable.text() + safety)
    line = AccessLine("2026-11-23T03:00:00.000Z", "GET", "/", 200, 1.0, "192.0.2.1", "all")
    line.reason, line.bucket = "draw", 0
    async with running_gateway(_settings(file)) as gateway:
        gateway.recording.sampling.add([line])
        file.rename_over(flippable.text(25) + safety)
        await until(lambda: "would move 100 % of the recorded traffic" in caplog.text)
        assert gateway.revision == 1
        file.rename_over(flippable.text(0) + safety + "# smaller\n")
        await until(lambda: gateway.revision == 2)


async def test_nothing_of_it_is_left_behind(file: RoutesFile) -> None:
    """Neither tasks nor watches; a server may start it again in the same process."""
    before = len(asyncio.all_tasks())
    for _ in range(2):
        async with running_gateway(_settings(file)):
            assert len(asyncio.all_tasks()) > before
        await until(lambda: len(asyncio.all_tasks()) == before)


async def test_it_does_not_start_with_a_bad_file(file: RoutesFile) -> None:
    file.rename_over(BAD)
    with pytest.raises(ConfigError, match="version"):
        async with running_gateway(_settings(file)):
            raise AssertionError("started")


async def test_it_does_not_start_with_an_access_log_that_cannot_be_written(
    file: RoutesFile,
) -> None:
    before = len(asyncio.all_tasks())
    with pytest.raises(StartError, match="give a file that can be written"):
        async with running_gateway(_settings(file, f"{file.path}/below")):
            raise AssertionError("started")
    assert len(asyncio.all_tasks()) == before


async def test_it_probes_as_control_would(file: RoutesFile) -> None:
    with ailing_origin("new") as origin:
        origin.fall_ill("fails")
        health = "health: {path: /readyz, interval: 1s, unhealthy_after: 1}"
        text = flippable.text(50).replace('"http://127.0.0.1:2"', f'"{origin.url}", {health}')
        file.rename_over(text)
        async with running_gateway(_settings(file)) as gateway:
            await until(lambda: gateway.counters().service["image_service"] == {"out:probes": 1})
            file.rename_over(flippable.text(50))
            await until(lambda: gateway.counters().service["image_service"] == {"in": 1})
