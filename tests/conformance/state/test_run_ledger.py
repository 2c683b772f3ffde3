"""What is folded of parallel runs, on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from gateway.parallel_run.classes import AGAINST, TrialClass
from gateway.parallel_run.entry import entry_of
from gateway.parallel_run.example_making import example_of
from gateway.parallel_run.examples import write_example
from gateway.parallel_run.plan import Kept, ParallelRun, ReadyWhen
from gateway.parallel_run.reservoir import EXAMPLES
from gateway.parallel_run.result import TrialResult
from gateway.parallel_run.strata import OTHERS, Stratum
from gateway.parallel_run.tally import Known, Tally
from gateway.parallel_run.verdict import State, judge
from gateway.state import run_ledger as module
from gateway.state.database import Database, open_database
from gateway.state.run_batch import Batch, Chosen, Counted
from gateway.state.run_evidence import RunEvidence
from gateway.state.run_fingerprints import bits_of, numbers_of
from gateway.state.run_ledger import LOST_AFTER_S, RunLedger
from gateway.state.run_models import EpochRow, ExampleRow, FingerprintRow, StratumRow
from gateway.state.run_reports import RunReports
from gateway.state.run_retention import Retention, forget
from tests.support.trials import KEY, LIST, MATCHED, MISMATCHED, NOW_S, RUN, SHOW, result

PLAN = ParallelRun(
    name=RUN,
    control="legacy",
    candidate="image_service",
    sample=20_000,
    headers=(("control", "authorization", "Bearer hunter2"),),
    mark_secret="hunter2",  # noqa: S106 - to be looked for
)
DAY_S = 86_400.0


def _counted(each: TrialResult, draw: float = 0.5) -> Counted:
    key = each.fingerprint.encode().rjust(16, b"\0")[-16:] if each.fingerprint else b""
    material = each.became in AGAINST
    return Counted(entry=entry_of(each), fingerprint=key, draw=draw, has_material=material)


def _batch(results: Sequence[TrialResult], gateway: str = "one", **more: object) -> Batch:
    given = {"now_s": NOW_S, "plans": {RUN: PLAN}} | more
    return Batch(gateway=gateway, counted=[_counted(each) for each in results], **given)  # type: ignore[arg-type]  # as the tests name them


async def _tallies(database: Database) -> dict[Stratum, Tally]:
    loaded = await RunEvidence(database).load(RUN, with_examples=False)
    assert loaded is not None
    return dict(loaded.tallies)


async def _rows(database: Database, table: type[FingerprintRow] | type[EpochRow]) -> int:
    async with database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


def _in_memory(results: Sequence[TrialResult]) -> dict[Stratum, Tally]:
    """What the tables should say."""
    tallies: dict[Stratum, Tally] = {}
    known: dict[tuple[Stratum, bytes], Known] = {}
    for each in results:
        tally = tallies.setdefault(each.stratum, Tally())
        counted = _counted(each)
        at = each.stratum, counted.fingerprint
        now = tally.fold(counted.entry, counted.fingerprint, known.get(at), 0)
        if now is not None and counted.fingerprint:
            known[at] = now
    return tallies


@st.composite
def _results(draw: st.DrawFn) -> TrialResult:
    became = draw(st.sampled_from(list(TrialClass)))
    places = ["status", "json:$.price"][: draw(st.integers(0, 2))] if became in AGAINST else []
    return result(
        became,
        draw(st.sampled_from(["", "a", "b", "c"])),
        places=places,
        stratum=draw(st.sampled_from([SHOW, LIST])),
        second=draw(st.none() | st.just(["status"])),
    )


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(results=st.lists(_results(), min_size=1, max_size=25), size=st.integers(1, 9))
async def test_evidence_from_the_tables_is_evidence_folded_in_memory(
    database: Database, results: list[TrialResult], size: int
) -> None:
    """However the trials are cut into batches."""
    await forget(database, Retention(past_s=-1), NOW_S)
    for start in range(0, len(results), size):
        await RunLedger(database).write(_batch(results[start : start + size]))
    stored, folded = await _tallies(database), _in_memory(results)
    now_s = NOW_S + 60
    assert stored.keys() == folded.keys()
    for stratum, tally in stored.items():
        assert tally.evidence(now_s).classes == folded[stratum].evidence(now_s).classes
        assert tally.noise.places == folded[stratum].noise.places
        assert tally.places == folded[stratum].places
    verdicts = [
        judge({s: each.evidence(now_s) for s, each in many.items()}, ReadyWhen(), now_s)
        for many in (stored, folded)
    ]
    assert set(verdicts[0].strata) == set(verdicts[1].strata)
    assert verdicts[0].state is verdicts[1].state


async def test_a_run_of_equal_answers_is_ready(database: Database) -> None:
    await RunLedger(database).write(_batch([result(request=f"r{n}") for n in range(4512)]))
    evidence = {s: tally.evidence(NOW_S) for s, tally in (await _tallies(database)).items()}
    assert judge(evidence, ReadyWhen(), NOW_S).state is State.READY


async def test_gateways_on_one_database_count_together(database: Database, url: str) -> None:
    other = open_database(url)
    try:
        await asyncio.gather(
            *(
                RunLedger(each).write(_batch([result(request=f"{turn}")], name))
                for turn in range(5)
                for each, name in ((database, "one"), (other, "two"))
            )
        )
    finally:
        await other.close()
    tally = (await _tallies(database))[SHOW]
    assert tally.classes[MATCHED] == 10
    assert (tally.distinct, tally.seen_once, tally.seen_twice) == (5, 0, 5)


async def test_the_plan_is_kept_without_its_credentials(database: Database) -> None:
    await RunLedger(database).write(_batch([result()]))
    loaded = await RunEvidence(database).load(RUN, with_examples=False)
    assert loaded is not None
    assert loaded.epochs[0].plan is not None
    assert "hunter2" not in repr(asdict(loaded.epochs[0].plan))
    assert loaded.epochs[0].plan.candidate == "image_service"
    assert loaded.epochs[0].routes == ("images",)
    async with database.read() as connection:
        kept = (await connection.execute(select(EpochRow.plan))).scalar_one()
    assert "hunter2" not in kept


async def test_another_build_is_another_epoch_and_coming_back_goes_on(database: Database) -> None:
    ledger, other = RunLedger(database), "build-8+0123456789ab"
    await ledger.write(_batch([result(request="a")]))
    await ledger.write(_batch([result(request="b", key=other)], now_s=NOW_S + 1))
    assert (await _tallies(database))[SHOW].distinct == 1
    await ledger.write(_batch([result(request="c")], now_s=NOW_S + 2))
    assert (await _tallies(database))[SHOW].distinct == 2
    loaded = await RunEvidence(database).load(RUN, with_examples=False)
    assert loaded is not None
    assert [epoch.key for epoch in loaded.epochs] == [KEY, other]


async def test_a_reset_begins_anew_for_trials_that_begin_afterwards(database: Database) -> None:
    """One that is still under way at the reset was of the evidence before."""
    ledger, evidence = RunLedger(database), RunEvidence(database)
    await ledger.write(_batch([result(request="a")]))
    at = datetime.fromtimestamp(NOW_S + 10, UTC)
    assert await evidence.reset(RUN, at, "deployed a fix", "ana") == 1
    empty = await evidence.load(RUN, with_examples=False)
    assert empty is not None
    assert empty.tallies == {}
    assert empty.resets[0].because == "deployed a fix"
    late, new = result(request="b", at_s=NOW_S + 9), result(request="c", at_s=NOW_S + 11)
    await ledger.write(_batch([late, new], now_s=NOW_S + 12))
    assert (await _tallies(database))[SHOW].distinct == 1
    loaded = await evidence.load(RUN, with_examples=False)
    assert loaded is not None
    before = await evidence.load(RUN, loaded.epochs[1].id, with_examples=False)
    assert before is not None
    assert before.tallies[SHOW].distinct == 2


async def test_what_a_dead_gateway_had_begun_is_lost_and_the_sheet_sums(
    database: Database,
) -> None:
    ledger = RunLedger(database)
    many = [result(request=f"a{n}") for n in range(3)] + [result(request="l", stratum=LIST)]
    await ledger.write(_batch(many, pending={RUN: 8}))
    await ledger.write(_batch([], "two", pending={RUN: 5}))
    loaded = await RunEvidence(database).load(RUN, with_examples=False)
    assert loaded is not None
    assert loaded.pending == 13
    assert (await ledger.recover("one", NOW_S + 1)).lost == {RUN: 8}
    tallies = await _tallies(database)
    assert {s: tally.classes[TrialClass.LOST] for s, tally in tallies.items()} == {SHOW: 6, LIST: 2}
    loaded = await RunEvidence(database).load(RUN, with_examples=False)
    assert loaded is not None
    assert loaded.pending == 5, "the other gateway lives"
    assert (await ledger.recover("one", NOW_S + 2)).lost == {}, "nothing is lost twice"


async def test_what_another_control_of_the_same_start_had_is_not_lost_by_itself(
    database: Database,
) -> None:
    """Its workers are there, and know how many it was told of; what is folded is remembered."""
    ledger = RunLedger(database)
    mine: dict[str, Any] = {"started": "a", "accounted": {RUN: 3}}
    await ledger.write(_batch([result(request=f"{n}") for n in range(3)], pending={RUN: 2}, **mine))
    found = await ledger.recover("one", NOW_S, "a")
    assert (found.lost, found.accounted) == ({}, {RUN: 3})
    written = await ledger.write(_batch([], lost={RUN: 4, "unknown": 9}, **mine))
    assert written.lost == {RUN: 4}, "of an unknown run there is no epoch to count it in"
    assert (await ledger.recover("one", NOW_S, "a")).accounted == {RUN: 7}
    tallies = await _tallies(database)
    assert tallies[SHOW].classes[TrialClass.LOST] == 4
    assert (await ledger.recover("one", NOW_S, "b")).accounted == {}


async def test_what_a_vanished_gateway_had_begun_is_lost_after_a_while(database: Database) -> None:
    ledger = RunLedger(database)
    await ledger.write(_batch([result()], "gone", pending={RUN: 2}))
    assert (await ledger.recover("one", NOW_S + LOST_AFTER_S / 2)).lost == {}
    assert (await ledger.recover("one", NOW_S + LOST_AFTER_S + 1)).lost == {RUN: 2}


async def test_requests_without_a_trial_are_counted_by_their_class(database: Database) -> None:
    left_out = {(RUN, KEY): {(SHOW, TrialClass.TOO_LARGE): 3, (LIST, TrialClass.SHED): 2}}
    await RunLedger(database).write(
        _batch([result()], left_out=left_out, not_sampled={(RUN, KEY): 80})
    )
    tallies = await _tallies(database)
    assert tallies[SHOW].classes == Counter({MATCHED: 1, TrialClass.TOO_LARGE: 3})
    assert tallies[LIST].classes == Counter({TrialClass.SHED: 2})
    loaded = await RunEvidence(database).load(RUN, with_examples=False)
    assert loaded is not None
    assert loaded.epochs[0].not_sampled == 80


async def test_strata_are_bounded_whatever_customers_ask_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_STRATA", 3)
    many = [result(request=f"{n}", stratum=Stratum("GET", f"/{chr(97 + n)}", 2)) for n in range(9)]
    await RunLedger(database).write(_batch(many))
    tallies = await _tallies(database)
    assert tallies[Stratum("ANY", OTHERS, 2)].distinct == 6
    assert len(tallies) == 4


async def test_a_place_has_no_more_examples_than_there_are_slots(database: Database) -> None:
    ledger = RunLedger(database)
    for turn in range(10):
        batch = _batch([result(MISMATCHED, f"{turn}", places=["status"])])
        chosen = (await ledger.write(batch)).chosen
        await ledger.keep_examples((each, NOW_S + turn, f'{{"turn":{turn}}}') for each in chosen)
    loaded = await RunEvidence(database).load(RUN, with_examples=True)
    assert loaded is not None
    assert len(loaded.examples[SHOW]["status"]) == EXAMPLES


async def test_no_place_is_left_without_an_example(database: Database) -> None:
    """Of a trial that differs at many places a few are kept: not the same ones each time."""
    places = [f"json:$.m{number}" for number in range(12)]
    ledger = RunLedger(database)
    for turn in range(3):
        batch = _batch([result(MISMATCHED, str(turn), places=places)])
        chosen = (await ledger.write(batch)).chosen
        await ledger.keep_examples((each, NOW_S + turn, "{}") for each in chosen)
    loaded = await RunEvidence(database).load(RUN, with_examples=True)
    assert loaded is not None
    assert sorted(loaded.examples[SHOW]) == sorted(places)


async def test_an_example_whose_stratum_is_gone_is_let_go(database: Database) -> None:
    ghost = Chosen(index=0, stratum_id=99, place="status", slot=0)
    await RunLedger(database).keep_examples([(ghost, NOW_S, "{}")])
    async with database.read() as connection:
        count = select(func.count()).select_from(ExampleRow)
        assert (await connection.execute(count)).scalar_one() == 0


async def test_a_batch_is_written_whole_or_not_at_all(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("pulled the plug")

    with monkeypatch.context() as patched:
        patched.setattr(module, "_keep_pending", fail)
        with pytest.raises(RuntimeError):
            await RunLedger(database).write(_batch([result()]))
    assert await _rows(database, EpochRow) == 0
    assert await _rows(database, FingerprintRow) == 0


async def test_retention_forgets_by_age_and_by_number(database: Database) -> None:
    ledger = RunLedger(database)
    for number in range(4):
        key, at_s = f"build-{number}+0", NOW_S + number * DAY_S
        batch = [result(MISMATCHED, f"{n}", places=["status"], key=key) for n in range(5)]
        chosen = (await ledger.write(_batch(batch, now_s=at_s))).chosen
        await ledger.keep_examples((each, at_s, "{}") for each in chosen)
    now_s = NOW_S + 3 * DAY_S
    done = await forget(database, Retention(examples_s=1.5 * DAY_S, epochs=3), now_s)
    assert (done.epochs, done.examples, done.requests) == (1, 6, 5)
    done = await forget(database, Retention(requests=9), now_s)
    assert (done.epochs, done.requests) == (2, 10), "oldest first, never the present one"
    assert await _rows(database, EpochRow) == 1
    assert await _rows(database, FingerprintRow) == 5
    assert (await forget(database, Retention(past_s=-1), now_s)).epochs == 1
    async with database.read() as connection:
        for table in (StratumRow, ExampleRow, FingerprintRow):
            count = select(func.count()).select_from(table)
            assert (await connection.execute(count)).scalar_one() == 0


async def test_a_run_that_nothing_is_known_of_is_not_there(database: Database) -> None:
    assert await RunEvidence(database).load("pictures", with_examples=False) is None
    assert await RunEvidence(database).runs() == []


@given(st.frozensets(st.integers(0, 500)))
def test_bits_stand_for_their_numbers(numbers: frozenset[int]) -> None:
    assert numbers_of(bits_of(numbers)) == numbers


async def test_a_report_is_read_from_either_database(database: Database) -> None:
    ledger, reports = RunLedger(database), RunReports(database)
    assert await reports.report(RUN, NOW_S) is None
    batch = [result(MISMATCHED, f"{n}", places=["status"]) for n in range(40)]
    chosen = (await ledger.write(_batch(batch, pending={RUN: 2}))).chosen
    trial = batch[0]
    document = write_example(example_of(trial, "status", Kept(), lambda _: "token"))
    await ledger.keep_examples((each, NOW_S, document) for each in chosen)
    report = await reports.report(RUN, NOW_S + 60)
    assert report is not None
    assert (report.state, report.candidate) == ("not ready", "image_service")
    assert report.balance.eligible == 42
    assert [len(each.examples) for each in report.differences] == [EXAMPLES]
    assert await reports.names() == [RUN]
    assert await reports.examples(RUN) == [document] * EXAMPLES
    assert await reports.report(RUN, NOW_S, epoch=99) is None
    assert await reports.examples("pictures") is None


async def test_a_database_without_the_tables_knows_no_run(url: str) -> None:
    database = open_database(url)
    try:
        assert await RunReports(database).names() == []
        assert await RunReports(database).report(RUN, NOW_S) is None
        assert await RunReports(database).examples(RUN) is None
    finally:
        await database.close()
