"""Tasks are held until they end, and their faults are told."""

from __future__ import annotations

import asyncio
import gc

import pytest

from gateway.proxy.spawn import spawn


async def test_a_task_that_nobody_holds_runs_to_its_end() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0)
        gc.collect()
        ended.set()

    await spawn(work(), "work").ended()
    assert ended.is_set()


async def test_a_fault_is_logged_with_the_tasks_name(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise ZeroDivisionError

    await spawn(work(), "work").ended()
    await asyncio.sleep(0)
    (record,) = caplog.records
    assert record.getMessage() == "task_failed task=work"
    assert record.exc_info is not None


async def test_a_cancelled_task_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    running = spawn(work(), "work")
    running.cancel()
    await running.ended()
    assert caplog.records == []
