"""Reload and history by the admin port of a real control; and a start with a broken file."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from gateway.control import control as module
from gateway.control.messages import Accepted, Message, Report
from gateway.errors import ConfigError
from gateway.telemetry.counters import Counters, pack
from tests.conformance.processes.test_control import World, world
from tests.support import flippable
from tests.support.flippable import BAD


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def test_a_reload_returns_when_every_worker_has_taken_what_the_file_says(
    tmp_path: Path,
) -> None:
    """Not before the slower of two has said so."""
    async with world(tmp_path) as around:
        await around.heard()
        quick, slow = await around.link(0), await around.link(1, 8)
        for worker in (quick, slow):
            await worker.heard.get()
            worker.say(Report(1, pack(Counters())))
        around.edit(flippable.text(25))
        reloading = asyncio.gather(around.tell("/api/reload"))
        quick.say(Report((await _accepted(quick.heard)).revision, pack(Counters())))
        await _accepted(slow.heard)
        await around.ask("/api/status")
        assert not reloading.done()
        slow.say(Report(2, pack(Counters())))
        (answer,) = await reloading
        digest = _digest(flippable.text(25))
        assert answer.json() == {
            "revision": 2,
            "digest": digest,
            "path": str(around.file.path),
            "file_digest": digest,
            "problems": [],
            "workers": 2,
            "behind": [],
        }


async def _accepted(heard: asyncio.Queue[Message]) -> Accepted:
    message = await heard.get()
    assert isinstance(message, Accepted)
    return message


async def test_a_worker_that_hangs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RELOAD_PATIENCE_S", 0.1)
    async with world(tmp_path) as around:
        await around.heard()
        worker = await around.link()
        await worker.heard.get()
        answer = (await around.tell("/api/reload")).json()
        assert (answer["revision"], answer["behind"]) == (1, [0])


async def test_a_reload_of_a_bad_file_tells_why_and_what_serves_on(tmp_path: Path) -> None:
    async with world(tmp_path) as around:
        await around.heard()
        around.edit(BAD)
        answer = (await around.tell("/api/reload")).json()
        assert (answer["revision"], answer["digest"]) == (1, _digest(flippable.text()))
        assert answer["file_digest"] == _digest(BAD)
        assert answer["problems"][-1]["path"] == "version"


async def test_the_history_tells_who_flipped_how_and_what_was_refused(tmp_path: Path) -> None:
    """An announced change has its author, a plain edit none, and a bad file is between them."""
    async with world(tmp_path) as around:
        await around.heard()
        await around.tell(
            "/api/announce",
            digest=_digest(flippable.text(25)),
            author="ana",
            how="set all image_service=25",
        )
        for text in (flippable.text(25), BAD, flippable.text(5)):
            around.edit(text)
            await around.tell("/api/reload")
        page = (await around.ask("/api/revisions")).json()
        while not page["refusals"]:
            page = (await around.ask("/api/revisions")).json()
        lines = [
            (line["number"], line["author"], line["how"], line["serving"])
            for line in page["revisions"]
        ]
        assert lines == [
            (3, None, None, True),
            (2, "ana", "set all image_service=25", False),
            (1, None, None, False),
        ]
        (refusal,) = page["refusals"]
        assert refusal["problem"].startswith("routes.yaml:1:1: error: missing key")
        changed = page["revisions"][0]["diff"].splitlines()
        assert [line for line in changed if line[0] in "-+"] == [
            f"-{flippable.text(25).splitlines()[-1]}",
            f"+{flippable.text(5).splitlines()[-1]}",
        ]
        stored = (await around.ask("/api/revisions/2")).json()
        assert (stored["text"], stored["problems"]) == (flippable.text(25), [])


async def test_a_revision_that_cannot_be_used_any_more_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment of the gateway counts, and no value of it is kept."""
    monkeypatch.setenv("SIDE_URL", "http://user-secret.internal:1")
    with_variable = flippable.text().replace("http://127.0.0.1:1", "${SIDE_URL}")
    async with world(tmp_path) as around:
        await around.heard()
        around.edit(with_variable)
        assert (await around.tell("/api/reload")).json()["revision"] == 2
    with closing(sqlite3.connect(tmp_path / "figueira.db")) as database:
        texts = [row[0] for row in database.execute("SELECT text FROM revisions")]
        diffs = [row[0] or "" for row in database.execute("SELECT diff FROM revisions")]
    assert texts == [flippable.text().encode(), with_variable.encode()]
    assert "${SIDE_URL}" in diffs[1]
    assert b"user-secret" not in _all_bytes(tmp_path)
    monkeypatch.delenv("SIDE_URL")
    (tmp_path / "routes.yaml").write_text(flippable.text())
    async with world(tmp_path) as around:
        await around.heard()
        stored = (await around.ask("/api/revisions/2")).json()
        assert 'variable "SIDE_URL" is not set' in stored["problems"][0]["message"]


def _all_bytes(folder: Path) -> bytes:
    """Of the database, with what lies beside it."""
    return b"".join(file.read_bytes() for file in folder.glob("figueira.db*"))


async def _keep(folder: Path, text: str) -> None:
    """Let a gateway accept a file and stop."""
    async with world(folder) as around:
        await around.heard()
        around.edit(text)
        await around.tell("/api/reload")


async def test_a_start_with_a_broken_file_resumes_the_last_good_revision_if_asked_to(
    tmp_path: Path,
) -> None:
    """Supervisor and workers get it under its number; a mended file is taken in as ever."""
    await _keep(tmp_path, flippable.text(25))
    async with _broken(tmp_path, may_resume=True) as around:
        resumed = await _first(around)
        assert (resumed.revision, resumed.snapshot) == (2, flippable.accepted(2, 25).snapshot)
        worker = await around.link()
        assert await worker.heard.get() == resumed
        worker.say(Report(2, pack(Counters())))
        status = (await around.ask("/api/status")).json()
        assert (status["revision"]["number"], status["config"]["ok"]) == (2, False)
        assert (await around.ask("/readyz")).status_code == 200
        around.edit(flippable.text(30))
        flipped = await _accepted(worker.heard)
        assert flipped.revision == 3


def _broken(folder: Path, *, may_resume: bool) -> AbstractAsyncContextManager[World]:
    """A start with a file that cannot be used."""
    return world(folder, may_resume=may_resume, text=BAD)


async def _first(around: World) -> Accepted:
    message = await around.heard()
    assert isinstance(message, Accepted)
    return message


@pytest.mark.parametrize("has_history", [False, True], ids=["no-history", "not-asked-to"])
async def test_without_a_last_good_revision_or_unasked_a_broken_file_is_an_error(
    tmp_path: Path, has_history: bool
) -> None:
    if has_history:
        await _keep(tmp_path, flippable.text(25))
    with pytest.raises(ExceptionGroup) as caught:
        async with _broken(tmp_path, may_resume=not has_history) as around:
            await around.heard()
    assert caught.group_contains(ConfigError, match="version: 2 is not supported")


async def test_a_last_revision_that_cannot_be_used_either_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDE_URL", "http://127.0.0.1:1")
    await _keep(tmp_path, flippable.text().replace("http://127.0.0.1:1", "${SIDE_URL}"))
    monkeypatch.delenv("SIDE_URL")
    with pytest.raises(ExceptionGroup) as caught:
        async with _broken(tmp_path, may_resume=True) as around:
            await around.heard()
    assert caught.group_contains(ConfigError, match=r'revision 2:3:17: .*"SIDE_URL" is not set')
