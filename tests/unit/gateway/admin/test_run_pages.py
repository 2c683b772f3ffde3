"""What parallel runs have shown, asked over the admin port."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import anyio
import httpx
import msgspec
import pytest

from gateway.admin.app import create_app
from gateway.admin.run_pages import RunList
from gateway.admin.runs_of_control import StoredRuns
from gateway.control.ledger_plan import LedgerState
from gateway.parallel_run.report import RunReport
from tests.support.scripted_run import Script, play
from tests.support.trials import NOW_S
from tests.unit.gateway.admin.fake_view import FakeView

STATE = LedgerState(written=7, fault="disk full")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one run."""
    file = tmp_path_factory.mktemp("run") / "figueira.db"
    anyio.run(play, f"sqlite+aiosqlite:///{file}", Script(requests=100), NOW_S)
    return file


async def _get(file: Path, target: str) -> httpx.Response:
    runs = StoredRuns(f"sqlite+aiosqlite:///{file}", lambda: NOW_S + 60, STATE)
    transport = httpx.ASGITransport(create_app(FakeView(), runs=runs))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(target)


async def test_runs_are_listed_with_their_verdict_and_balance(filled: Path) -> None:
    answer = await _get(filled, "/api/runs")
    told = msgspec.json.decode(answer.content, type=RunList)
    (line,) = told.runs
    assert (told.writing.written, told.writing.fault) == (7, "disk full")
    assert (line.run, line.state, line.epoch.build) == ("images", "not ready", "2.4.1")
    assert line.balance.eligible == line.balance.pending + sum(line.balance.classes.values())


@pytest.mark.parametrize(("query", "has_examples"), [("", False), ("?examples=1&top=3", True)])
async def test_a_run_is_told_of_as_the_command_does(
    filled: Path, query: str, has_examples: bool
) -> None:
    answer = await _get(filled, f"/api/runs/images{query}")
    report = msgspec.json.decode(answer.content, type=RunReport)
    assert report.state == "not ready"
    assert any(each.examples for each in report.differences) == has_examples


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/api/runs/pictures", 404),
        ("/api/runs/images?epoch=99", 404),
        ("/api/runs/images?epoch=x", 400),
        ("/api/runs/images?top=0", 400),
        ("/api/runs/images?top=1001", 400),
        ("/api/runs/images?examples=yes", 400),
        ("/api/runs/images/x", 404),
    ],
)
async def test_what_there_is_not_is_refused(filled: Path, target: str, status: int) -> None:
    answer = await _get(filled, target)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_pages_are_only_read(filled: Path) -> None:
    runs = StoredRuns(f"sqlite+aiosqlite:///{filled}", lambda: NOW_S, STATE)
    transport = httpx.ASGITransport(create_app(FakeView(), runs=runs))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.post("/api/runs/images")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_a_database_that_is_gone_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "figueira.db").write_bytes(b"no database" * 100)
    answer = await _get(tmp_path / "figueira.db", "/api/runs")
    assert answer.status_code == 503
    assert "cannot use the database" in answer.json()["detail"]


async def test_a_gateway_that_has_compared_nothing_lists_nothing(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "figueira.db").close()
    answer = await _get(tmp_path / "figueira.db", "/api/runs")
    assert answer.json()["runs"] == []
