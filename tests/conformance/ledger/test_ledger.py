"""Trials end in the ledger: none is written twice, none vanishes, nobody waits."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from sqlalchemy import Connection, event

from gateway.control import ledger as module
from gateway.control.ledger import Ledger
from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.entry import entry_of
from gateway.parallel_run.result import TrialResult
from gateway.state.database import Database, open_database
from gateway.state.run_batch import Batch, Written
from gateway.state.run_evidence import Loaded, RunEvidence
from gateway.state.run_ledger import RunLedger
from tests.conformance.ledger.plans import plan
from tests.support.trials import KEY, MATCHED, MISMATCHED, RUN, SHOW, result

PATIENCE_S = 10.0


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Of an SQLite file that is not there yet."""
    return f"sqlite+aiosqlite:///{tmp_path}/figueira.db"


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[Ledger]:
    """One that runs."""
    made = Ledger(plan(url))
    made.start()
    yield made
    await made.close()


async def _until(is_so: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - counts are plain numbers, nobody signals them
            await anyio.sleep(0.01)


async def _loaded(url: str) -> Loaded:
    database = open_database(url)
    try:
        loaded = await RunEvidence(database).load(RUN, with_examples=True)
    finally:
        await database.close()
    assert loaded is not None
    return loaded


async def test_thousands_of_trials_at_once_are_written_and_none_is_shed(
    url: str, ledger: Ledger
) -> None:
    """Every fifth one differs; `python -m bench trials` says how fast that goes."""
    many = [
        result(MISMATCHED, f"{n}", places=["json:$.price"])
        if n % 5 == 0
        else result(request=f"{n}")
        for n in range(3_000)
    ]
    for each in many:
        ledger.ended(each)
    await _until(lambda: ledger.state.written == len(many))
    assert ledger.state.shed == 0
    tally = (await _loaded(url)).tallies[SHOW]
    assert (tally.distinct, tally.mismatched) == (3_000, 600)


async def test_what_is_there_at_the_end_is_written(url: str) -> None:
    ledger = Ledger(plan(url))
    ledger.start()
    ledger.began(RUN)
    ledger.ended(result(MISMATCHED, places=["status"]))
    ledger.not_sampled(RUN, KEY, 4)
    await ledger.close()
    loaded = await _loaded(url)
    assert loaded.tallies[SHOW].classes[MISMATCHED] == 1
    assert loaded.epochs[0].not_sampled == 4
    assert loaded.pending == 0
    assert len(loaded.examples[SHOW]["status"]) == 1


async def test_what_comes_while_a_batch_is_written_is_not_forgotten_at_the_end(url: str) -> None:
    ledger = Ledger(plan(url))
    ledger.start()
    ledger.ended(result(request="first"))
    await _until(lambda: ledger.state.written == 1)
    for number in range(50):
        ledger.ended(result(request=f"{number}"))
    await ledger.close()
    assert (await _loaded(url)).tallies[SHOW].classes[MATCHED] == 51


async def test_a_locked_database_delays_and_loses_nothing(
    url: str, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody holds it open in a shell for longer than a transaction waits."""
    monkeypatch.setattr(module, "_RETRY_S", (0.01,))
    ledger.ended(result(request="first"))
    await _until(lambda: ledger.state.written == 1)
    shell = sqlite3.connect(
        tmp_path / "figueira.db", isolation_level=None, timeout=30, check_same_thread=False
    )
    # In a thread: a transaction of the ledger that is under way needs the loop to come to its end.
    await to_thread.run_sync(shell.execute, "BEGIN IMMEDIATE")
    for number in range(50):
        # A trial never waits for the database: there is nothing here that it could wait on.
        ledger.ended(result(request=f"{number}"))
    await _until(lambda: ledger.state.failures > 0)
    assert "locked" in ledger.state.fault
    shell.execute("ROLLBACK")
    shell.close()
    await _until(lambda: ledger.state.written == 51)
    assert ledger.state.fault == ""
    assert (await _loaded(url)).tallies[SHOW].classes[MATCHED] == 51


class _Disk:
    """SQLite's own limit of pages stands for the disk."""

    def __init__(self) -> None:
        self.pages = 1_000_000

    def open(self, url: str) -> Database:
        """A database on it."""
        database = open_database(url)
        event.listen(database.engine.sync_engine, "begin", self._limit)
        return database

    def _limit(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {self.pages}")


async def test_a_full_disk_sheds_what_there_is_no_room_for_and_counts_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then somebody makes room."""
    monkeypatch.setattr(module, "_RETRY_S", (0.01,))
    monkeypatch.setattr(module, "_MOST_QUEUED", 100)
    disk = _Disk()
    monkeypatch.setattr(module, "open_database", disk.open)
    ledger = Ledger(plan(url))
    ledger.start()
    ledger.ended(result(request="first"))
    await _until(lambda: ledger.state.written == 1)
    disk.pages = 1
    for number in range(300):
        place = "json:$." + "abcdefghij"[number % 10] * 100 + "klmnopqrst"[number // 10 % 10]
        ledger.ended(result(MISMATCHED, f"{number}", places=[place]))
    await _until(lambda: ledger.state.failures > 1)
    assert "full" in ledger.state.fault
    assert ledger.state.shed == 200
    disk.pages = 1_000_000
    await _until(lambda: ledger.state.written == 101)
    await ledger.close()
    classes = (await _loaded(url)).tallies[SHOW].classes
    assert (classes[MISMATCHED], classes[TrialClass.SHED]) == (100, 200)


async def test_bodies_that_wait_are_bounded_and_the_trial_counts_all_the_same(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_MATERIAL_BYTES", 1000)
    ledger = Ledger(plan(url))
    for number in range(5):
        sides = (b"x" * 300, b"y" * 300)
        ledger.ended(
            result(MISMATCHED, f"{number}", places=[f"json:$.a{'b' * number}"], sides=sides)
        )
    assert ledger.state.without_example == 4
    ledger.start()
    await ledger.close()
    loaded = await _loaded(url)
    assert loaded.tallies[SHOW].mismatched == 5
    assert len(loaded.examples[SHOW]) == 1


async def test_an_example_that_cannot_be_made_does_not_stop_the_ledger(url: str) -> None:
    def fail(_trial: TrialResult, _place: str) -> str:
        raise RecursionError

    ledger = Ledger(replace(plan(url), make_example=fail))
    ledger.start()
    ledger.ended(result(MISMATCHED, places=["status"]))
    await ledger.close()
    assert ledger.state.written == 1
    assert (await _loaded(url)).examples == {}


async def test_a_fault_of_ours_sheds_its_batch_and_the_next_is_written(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, faults = RunLedger.write, [ValueError("a number that was none")]

    async def write(self: RunLedger, batch: Batch) -> Written:
        if faults and batch.counted:
            raise faults.pop()
        return await real(self, batch)

    monkeypatch.setattr(RunLedger, "write", write)
    ledger = Ledger(plan(url))
    ledger.ended(result(request="poison"))
    ledger.left_out(RUN, KEY, {(SHOW, TrialClass.TOO_LARGE): 3})
    ledger.start()
    await _until(lambda: ledger.state.shed == 1)
    ledger.ended(result(request="sound"))
    await ledger.close()
    classes = (await _loaded(url)).tallies[SHOW].classes
    assert classes == {MATCHED: 1, TrialClass.SHED: 1, TrialClass.TOO_LARGE: 3}


async def test_killed_the_sheet_still_sums(url: str) -> None:
    """What it had begun and not written is lost, and counted so at the next start."""
    command = [sys.executable, "-m", "tests.conformance.ledger.killed", url]
    async with await anyio.open_process(command, stderr=None) as process:
        assert process.stdout is not None
        with anyio.fail_after(PATIENCE_S):
            async for line in process.stdout:
                if int(line.split()[-1]) > 1000:
                    break
        process.kill()
    before = await _loaded(url)
    assert before.pending > 0
    written = before.tallies[SHOW].classes[MATCHED]
    ledger = Ledger(plan(url))
    ledger.start()
    ledger.ended(result(request="again"))
    await ledger.close()
    after = await _loaded(url)
    assert after.pending == 0
    classes = after.tallies[SHOW].classes
    assert classes[TrialClass.LOST] == before.pending
    assert classes[MATCHED] == written + 1
    assert after.tallies[SHOW].distinct == written + 1, "what was written is whole"


async def test_fingerprints_in_the_database_test_no_guess(url: str, ledger: Ledger) -> None:
    """They are made by the token key, so that a request's digest alone finds nothing."""
    entry = entry_of(result(request="GET /customers/ana"))
    other = Ledger(replace(plan(url), key=b"l" * 32))
    assert other._fingerprint(entry) != ledger._fingerprint(entry)
    assert bytes.fromhex(entry.fingerprint)[:16] != ledger._fingerprint(entry)


async def test_what_is_more_than_a_batch_is_written_as_well(ledger: Ledger) -> None:
    """Though nothing comes behind it that would wake the ledger."""
    for number in range(1_008):
        ledger.ended(result(request=f"{number}"))
    await _until(lambda: ledger.state.written == 1_008)
