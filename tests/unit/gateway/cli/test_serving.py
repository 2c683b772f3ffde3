"""What `figueira diff` compares with, where no old file is given."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli.serving import serving
from gateway.errors import StartError
from gateway.settings import Settings
from gateway.state.database import open_database
from gateway.state.kept import UNKNOWN
from gateway.state.revisions import Revisions
from tests.support import flippable
from tests.support.counted import AT


def _settings(folder: Path) -> Settings:
    return Settings(
        admin_port=1,
        config=folder / "routes.yaml",
        database_url=f"sqlite+aiosqlite:///{folder}/state.db",
    )


async def _keep(url: str, *texts: str) -> None:
    database = open_database(url)
    await database.upgrade()
    for text in texts:
        digest = hashlib.sha256(text.encode()).hexdigest()
        await Revisions(database).accept(digest, text.encode(), AT, UNKNOWN)
    await database.close()


def test_if_nobody_answers_the_last_accepted_revision_is_taken(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    asyncio.run(_keep(settings.database_url, flippable.text(5), flippable.text(7)))
    assert serving(None, settings) == (flippable.snapshot(7), "revision 2, accepted last")


def test_an_empty_database_knows_none(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    asyncio.run(_keep(settings.database_url))
    with pytest.raises(StartError, match="no database knows a revision; give the old routes"):
        serving(None, settings)


def test_the_verb_says_what_it_compares_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(tmp_path)
    asyncio.run(_keep(settings.database_url, flippable.text(5)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIGUEIRA_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("FIGUEIRA_ADMIN_PORT", "1")
    Path("new.yaml").write_text(flippable.text(95))
    Path("log").write_text('192.0.2.1 - - [t] "GET / HTTP/1.1" 200 1 "-" "x"\n')
    result = CliRunner().invoke(app, ["diff", "new.yaml", "--traffic", "log"])
    assert result.exit_code == 1
    assert result.stdout.startswith("revision 1, accepted last -> new.yaml\n")
