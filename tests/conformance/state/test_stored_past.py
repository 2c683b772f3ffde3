"""The history as `figueira history` reads it while no gateway is running, on both databases."""

from __future__ import annotations

from pathlib import Path

from anyio import to_thread

from gateway.cli.past import StoredPast, before_last, latest_of
from gateway.state.database import Database
from gateway.state.kept import UNKNOWN, Origin, Refusal
from gateway.state.revisions import Revisions
from tests.support.counted import AT

ANA = Origin(author="ana", how="set images image_service=5")


async def test_a_stopped_gateways_history_is_read_without_it(url: str, database: Database) -> None:
    revisions = Revisions(database)
    await revisions.accept("1" * 64, "\ufeffé\r\n".encode(), AT)
    await revisions.accept("2" * 64, b"two\n", AT, ANA)
    refusal = Refusal(refused_at=AT, digest="", origin=UNKNOWN, problem="bad", problems=1)
    await revisions.refuse(refusal)
    past = StoredPast(url)
    page = await to_thread.run_sync(past.history, None, 10)
    assert [(line.number, line.author, line.serving) for line in page.revisions] == [
        (2, "ana", False),
        (1, None, False),
    ]
    assert [line.problem for line in page.refusals] == ["bad"]
    first = await to_thread.run_sync(past.revision, 1)
    assert first is not None
    assert first.text.encode() == "\ufeffé\r\n".encode()
    assert await to_thread.run_sync(past.revision, 3) is None
    last = await to_thread.run_sync(latest_of, past)
    assert last is not None
    target = await to_thread.run_sync(before_last, past, last)
    assert target.revision.number == 1


def test_a_database_that_is_not_there_is_an_empty_history_and_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "var" / "figueira.db"
    past = StoredPast(f"sqlite+aiosqlite:///{file}")
    assert past.history(None, 10).revisions == ()
    assert past.revision(1) is None
    assert not file.parent.exists()
