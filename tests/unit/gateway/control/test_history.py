"""Revisions in a real database, which comes and goes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.control import reload as module
from gateway.control.history import History
from gateway.control.reload import Reloader
from gateway.errors import StartError
from tests.support import flippable
from tests.support.counted import AT


async def test_a_database_is_made_when_it_is_first_needed(tmp_path: Path) -> None:
    file = tmp_path / "var" / "figueira.db"
    history = History(f"sqlite+aiosqlite:///{file}")
    assert not file.parent.exists()
    assert await history.accept("a" * 64, b"text", AT) == 1
    assert await history.accept("b" * 64, b"text", AT) == 2
    assert await history.accept("b" * 64, b"text", AT) == 2
    await history.close()


async def test_one_that_cannot_be_used_is_an_error_each_time_and_may_be_mended(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "var"
    folder.write_text("in the way")
    history = History(f"sqlite+aiosqlite:///{folder}/figueira.db")
    for _ in range(2):
        with pytest.raises(StartError, match=r"Not a directory|File exists"):
            await history.accept("a" * 64, b"text", AT)
    folder.unlink()
    assert await history.accept("a" * 64, b"text", AT) == 1
    await history.close()


async def test_a_flip_serves_while_somebody_holds_the_database_and_is_kept_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HISTORY_PATIENCE_S", 0.05)
    monkeypatch.setattr(module, "KEEP_AGAIN_AFTER_S", 0.0)
    path, file = flippable.write(tmp_path), tmp_path / "figueira.db"
    history = History(f"sqlite+aiosqlite:///{file}")
    reloader = Reloader(path, history, {}, lambda: AT)
    await reloader.look()
    shell = sqlite3.connect(file, isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    flippable.write(tmp_path, 10)
    look = await reloader.look()
    assert look.accepted is not None
    assert look.accepted.accepted.revision == 2
    assert reloader.history_fault == "no answer in 0.05 s"
    shell.execute("ROLLBACK")
    monkeypatch.setattr(module, "HISTORY_PATIENCE_S", 5.0)
    assert (await reloader.look()).accepted is None
    assert reloader.history_fault == ""
    assert shell.execute("SELECT number FROM revisions").fetchall() == [(1,), (2,)]
    shell.close()
    await history.close()
