"""The comparing process hangs, dies, or does its work; control goes on in any case."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest
from anyio import run_process

from gateway.control.trials.comparer import Comparer, ComparerDied
from gateway.control.trials.comparing import job_of
from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.compare.answers import Sides
from gateway.parallel_run.observation import Answer
from gateway.parallel_run.plan import Rules
from gateway.proxy.spawn import spawn


def sides(control: bytes, candidate: bytes) -> Sides:
    """Two answers of JSON."""
    fields = ((b"Content-Type", b"application/json"),)
    ours, theirs = (Answer(status=200, headers=fields, body=each) for each in (control, candidate))
    return Sides(control=ours, candidate=theirs, control_status=200, candidate_status=200)


DIFFERENT = sides(b'{"a": 1}', b'{"a": 2}')


async def test_what_differs_is_compared_elsewhere_and_again_after_a_death() -> None:
    comparer = Comparer()
    try:
        found = await comparer.compare(DIFFERENT, Rules())
        assert [each.place for each in found.mismatches] == ["json:$.a"]
        before = comparer.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        with pytest.raises(ComparerDied):
            await comparer.compare(DIFFERENT, Rules())
        assert (await comparer.compare(DIFFERENT, Rules())).became is TrialClass.MISMATCHED
        assert comparer.pid != before
    finally:
        await comparer.close()


async def test_bodies_of_8_mib_come_whole_and_the_loop_goes_on_meanwhile() -> None:
    """Its other work has its turn many times before the second body has gone."""
    comparer, turns = Comparer(), 0

    async def look() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    ours = bytes(range(256)) * 32_768
    kind = ((b"Content-Type", b"application/octet-stream"),)
    control, candidate = (
        Answer(status=200, headers=kind, body=each) for each in (ours, ours[:-1] + b"!")
    )
    large = Sides(control=control, candidate=candidate, control_status=200, candidate_status=200)
    looking = spawn(look(), "look")
    try:
        found = await comparer.compare(large, Rules())
        assert [each.place for each in found.mismatches] == ["body"]
        assert turns > 20
        back = await comparer.compare(DIFFERENT, Rules())
        assert [each.place for each in back.mismatches] == ["json:$.a"]
    finally:
        looking.cancel()
        await comparer.close()


async def test_equal_bodies_need_no_process() -> None:
    comparer = Comparer(("/nowhere",))
    same = sides(b'{"a": 1}', b'{"a": 1}')
    assert (await comparer.compare(same, Rules())).became is TrialClass.MATCHED
    assert comparer.pid is None


async def test_one_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.control.trials.comparer._START_S", 0.3)
    comparer = Comparer((sys.executable, "-c", "import sys; sys.stdin.read()"))
    found = await comparer.compare(DIFFERENT, Rules())
    assert found.became is TrialClass.COMPARE_FAILED
    assert "longer than" in found.fault
    assert comparer.pid is None
    await comparer.close()


async def test_one_that_cannot_be_started_is_a_dead_one() -> None:
    with pytest.raises(ComparerDied):
        await Comparer(("/nowhere",)).compare(DIFFERENT, Rules())


async def test_it_is_closed_while_it_compares_and_while_others_wait() -> None:
    """As control stops: each is told that the process died, and none is started again."""
    comparer = Comparer((sys.executable, "-c", "import sys; sys.stdin.read()"))

    async def lost() -> bool:
        with pytest.raises(ComparerDied):
            await comparer.compare(DIFFERENT, Rules())
        return True

    async def close() -> bool:
        async with asyncio.timeout(5):
            while comparer.pid is None:  # noqa: ASYNC110 - nobody says when a process is there
                await asyncio.sleep(0)
            await comparer.close()
        return comparer.pid is None

    assert all(await asyncio.gather(lost(), lost(), close()))


async def test_the_process_ends_without_a_word_when_whoever_asked_is_killed() -> None:
    job = b"".join(job_of(DIFFERENT, Rules()))
    reader, writer = os.pipe()
    os.close(reader)
    ended = await run_process(
        [sys.executable, "-m", "gateway.control.trials.comparing"],
        input=job,
        stdout=writer,
        check=False,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")
