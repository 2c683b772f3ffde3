"""What came of several calls at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import event, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.contract import SIZES, Order
from image_service.jobs import states
from image_service.jobs.journal import Decide, Note
from image_service.jobs.rows import SpooledRow
from image_service.jobs.settling import Also, Settling
from image_service.jobs.states import Job, Picture, StaleError, State
from image_service.orders import Wish
from image_service.tasks import Tasks
from tests.support.shop_orders import Bench, open_bench

_ORDER = Order(prompt="praia", size=SIZES["256x256"], product_id=None)
_PICTURE = Picture(sha256="ab" * 32, painted_by="procedural", cost=0)
_COUNT = 20


async def _claimed(bench: Bench) -> list[Job]:
    for _ in range(_COUNT):
        await bench.orders.submit(Wish(order=_ORDER, customer="c:1"))
    entries = await bench.workshop.engine._claims.claim_next("procedural", limit=_COUNT)
    return [entry.job for entry in entries]


def _settling(bench: Bench) -> Settling:
    workshop = bench.workshop
    return Settling(
        writer=workshop.writer,
        journal=workshop.journal,
        tasks=Tasks(),
        watch=workshop.watch,
        meter=workshop.meter,
        clock=workshop.clock,
    )


def _url(empty_database: Path, tmp_path: Path) -> str:
    path = tmp_path / "images.db"
    path.write_bytes(empty_database.read_bytes())
    return f"sqlite+aiosqlite:///{path}"


async def _settle(settling: Settling, job: Job, *, fence: int) -> object:
    def decide(held: Job) -> Job:
        if fence < 0:
            raise ValueError("it cannot be written")
        return states.succeed(held, fence, _PICTURE, now=1.0)

    return await settling.change(job.job_id, decide, Note(provider="procedural"))


async def test_what_cannot_be_settled_takes_no_other_with_it(
    empty_database: Path, tmp_path: Path
) -> None:
    """A stale worker is told so, a fault is raised, and all others are on record."""
    async with open_bench(_url(empty_database, tmp_path)) as bench:
        jobs, settling = await _claimed(bench), _settling(bench)
        fences = {3: 99, 7: -1}
        results = await asyncio.gather(
            *(
                _settle(settling, job, fence=fences.get(number, job.fence))
                for number, job in enumerate(jobs)
            ),
            return_exceptions=True,
        )
        kinds = {n: type(r) for n, r in enumerate(results) if isinstance(r, Exception)}
        assert kinds == {3: StaleError, 7: ValueError}
        for number, job in enumerate(jobs):
            entry = await bench.workshop.reading.job(job.job_id)
            assert entry is not None
            expected = State.RUNNING if number in fences else State.SUCCEEDED
            assert entry.job.state is expected


async def test_twenty_pictures_at_once_are_as_many_statements_as_a_few(
    empty_database: Path, tmp_path: Path
) -> None:
    async with open_bench(_url(empty_database, tmp_path)) as bench:
        jobs, settling = await _claimed(bench), _settling(bench)
        statements: list[str] = []
        engine = bench.database.engine.sync_engine
        event.listen(
            engine,
            "before_cursor_execute",
            lambda _c, _cursor, statement, _p, _context, _many: statements.append(statement),
        )
        await asyncio.gather(*(_settle(settling, job, fence=job.fence) for job in jobs))
    assert len(statements) <= 20


def _spooled(job: Job, *, is_broken: bool) -> Also:
    """What is written beside: a picture that is set aside, or nonsense."""
    row = {
        "job_id": job.job_id,
        "content": b"picture",
        "provider": "procedural",
        "spooled_at": 1.0,
        "due_at": 2.0,
        "tries": 1,
    }

    async def write(connection: AsyncConnection) -> None:
        await connection.execute(insert(SpooledRow), row)
        if is_broken:
            await connection.execute(text("SELECT no_such_column FROM jobs"))

    return write


async def test_what_is_written_beside_shares_its_own_job_s_fate_alone(
    empty_database: Path, tmp_path: Path
) -> None:
    """A picture is set aside with its purchase or not at all, whatever others write with it."""
    async with open_bench(_url(empty_database, tmp_path)) as bench:
        jobs, settling = await _claimed(bench), _settling(bench)
        fences = {3: 99}

        def decide(fence: int) -> Decide:
            return lambda held: states.spool(held, fence, painted_by="procedural", cost=0)

        settled = await asyncio.gather(
            *(
                settling.settle_once(
                    job,
                    decide(fences.get(number, job.fence)),
                    Note(provider="procedural"),
                    also=_spooled(job, is_broken=number == 7),
                )
                for number, job in enumerate(jobs)
            )
        )
        assert [number for number, is_settled in enumerate(settled) if not is_settled] == [7]
        async with bench.database.read() as connection:
            spooled = set(await connection.scalars(select(SpooledRow.job_id)))
        bought = {
            entry.job.job_id
            for job in jobs
            if (entry := await bench.workshop.reading.job(job.job_id)) and entry.job.is_spooled
        }
    expected = {job.job_id for number, job in enumerate(jobs) if number not in {3, 7}}
    assert spooled == bought == expected
