"""What parallel runs have shown is told by the running gateway and by the command alike."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import anyio
import pytest

from tests.e2e.conftest import Start
from tests.support.figueira import run
from tests.support.scripted_run import Script, play

pytestmark = pytest.mark.e2e


def test_the_command_and_the_admin_port_tell_the_same(start: Start, tmp_path: Path) -> None:
    """Of a database that the gateway has open; after a reset both begin anew."""
    url = f"sqlite+aiosqlite:///{tmp_path}/state/figueira.db"
    anyio.run(play, url, Script(requests=300), time.time())  # noqa: TID251 - evidence gets old
    told_by = partial(run, folder=tmp_path, FIGUEIRA_DATABASE_URL=url)
    with start() as figueira:
        told = figueira.admin.get("/api/runs/images").json()
        (line,) = figueira.admin.get("/api/runs").json()["runs"]
        found = told_by("report", "images", "--json")
        assert found.returncode == 1, found.stderr
        report = json.loads(found.stdout)
        for each in (told, line):
            assert each["state"] == report["state"] == "not ready"
            assert each["balance"] == report["balance"]
        page = tmp_path / "report.html"
        assert told_by("report", "--html", str(page)).returncode == 1
        assert page.read_text().startswith("<!doctype html>")
        done = told_by("evidence", "reset", "images", "--because", "deployed")
        assert done.returncode == 0, done.stderr
        assert figueira.admin.get("/api/runs/images").json()["state"] == "insufficient"
        assert told_by("report", "images").returncode == 3
