"""Writes what came of calls, and tells those who wait for it.

All that come while the last ones are being written go together: a hundred pictures that arrive at
once are some statements then, not eight for each. Between two of them everybody else has a turn,
and there are a hundred times fewer.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.jobs.entries import Entry, read_entry, select_entries
from image_service.jobs.journal import Change, Decide, Journal, Note
from image_service.jobs.rows import JobRow
from image_service.jobs.states import Job, StaleError
from image_service.jobs.watch import Watch
from image_service.shared_clock import SharedClock
from image_service.tasks import Tasks
from image_service.telemetry import Meter
from image_service.writer import Writer

_LOG = logging.getLogger("image_service.jobs.settling")

# A database that restarts is away for a few seconds; a picture that was paid for waits for it.
SETTLE_PAUSE_S = 1.0
# As much as is done in some 20 ms.
_MOST_AT_ONCE = 64
_Result = Entry | StaleError | None

Also = Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    job_id: str
    decide: Decide
    note: Note
    also: Also | None = None


@dataclass(slots=True)
class _Batch:
    wishes: list[_Wish] = field(default_factory=list)
    written: asyncio.Task[list[_Result]] | None = None

    def has_room_for(self, job_id: str) -> bool:
        """What is decided about a job follows from what was decided before."""
        is_new = all(wish.job_id != job_id for wish in self.wishes)
        return is_new and len(self.wishes) < _MOST_AT_ONCE


class Settling:
    """Changes jobs that are in a worker's hands."""

    def __init__(
        self,
        *,
        writer: Writer,
        journal: Journal,
        tasks: Tasks,
        watch: Watch,
        meter: Meter,
        clock: SharedClock,
    ) -> None:
        self._writer = writer
        self._journal = journal
        self._tasks = tasks
        self._watch = watch
        self._meter = meter
        self.now = clock
        self._open = _Batch()

    async def settle(self, job: Job, decide: Decide, note: Note) -> None:
        """Write what came of it, and again for as long as the database is away."""
        is_settled = await self.settle_once(job, decide, note)
        while not is_settled:
            await asyncio.sleep(SETTLE_PAUSE_S)
            is_settled = await self.settle_once(job, decide, note)

    async def settle_once(
        self, job: Job, decide: Decide, note: Note, *, also: Also | None = None
    ) -> bool:
        """Write what came of it, and something besides; False when the database is away.

        A job that is no longer in the caller's hands is left alone.
        """
        try:
            entry = await self.change(job.job_id, decide, note, also=also)
        except StaleError:
            _LOG.warning("job_lost job=%s fence=%d", job.job_id, job.fence)
            return True
        except (OSError, SQLAlchemyError) as error:
            _LOG.warning("settle_failed job=%s error=%s", job.job_id, type(error).__name__)
            return False
        if entry is not None:
            self._watch.publish(entry)
            if note.kind is None:
                self._meter.called(entry, note.provider)
        return True

    async def change(
        self, job_id: str, decide: Decide, note: Note, *, also: Also | None = None
    ) -> Entry | None:
        """Change a job; return it once that is committed, None when there is none.

        ``also`` is done in the same transaction, and only if the job is changed.

        Raises:
            StaleError: The worker does not hold it.
            SQLAlchemyError: It cannot be written.
            OSError: The database is away.
        """
        if not self._open.has_room_for(job_id):
            self._open = _Batch()
        batch = self._open
        wish = _Wish(job_id=job_id, decide=decide, note=note, also=also)
        index = len(batch.wishes)
        batch.wishes.append(wish)
        if batch.written is None:
            writing = self._writer.write(functools.partial(self._write_batch, batch))
            batch.written = self._tasks.spawn(writing, name="settling")
        try:
            result = (await asyncio.shield(batch.written))[index]
        except Exception:
            if len(batch.wishes) == 1:
                raise
            # Nobody pays for another's fault.
            [result] = await self._writer.write(functools.partial(self._write, wishes=[wish]))
        if isinstance(result, StaleError):
            raise result
        return result

    async def _write_batch(self, batch: _Batch, connection: AsyncConnection) -> list[_Result]:
        if self._open is batch:
            self._open = _Batch()
        return await self._write(connection, wishes=batch.wishes)

    async def _write(
        self, connection: AsyncConnection, *, wishes: Sequence[_Wish]
    ) -> list[_Result]:
        names = [wish.job_id for wish in wishes]
        # In one order everywhere, so that two transactions never wait for each other.
        statement = select_entries().where(JobRow.id.in_(names)).order_by(JobRow.id)
        rows = await connection.execute(statement.with_for_update(of=JobRow))
        there = {entry.job.job_id: entry for entry in map(read_entry, rows)}
        results: dict[str, _Result] = dict.fromkeys(names)
        changes, besides = [], []
        for wish in wishes:
            before = there.get(wish.job_id)
            if before is None:
                continue
            try:
                after = wish.decide(before.job)
            except StaleError as error:
                results[wish.job_id] = error
            else:
                changes.append(Change(before=before, after=after, note=wish.note))
                besides.append(wish.also)
        for entry in await self._journal.write(connection, changes, now=self.now()):
            results[entry.job.job_id] = entry
        for also in besides:
            if also is not None:
                await also(connection)
        return [results[name] for name in names]
