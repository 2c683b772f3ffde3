"""Lets requests wait for jobs to change, whichever process changes them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from image_service.database import Database, unbroken
from image_service.jobs.entries import Entry
from image_service.jobs.rows import JobRow
from image_service.tasks import Tasks

# How late a change of another process is seen; one query, however many wait.
_LOOK_EVERY_S = 0.25
# A change may come between a caller's look at the job and its wait: so many are remembered.
_REMEMBERED = 256
# Names in one query.
_MOST_AT_ONCE = 500


class Watch:
    """Wakes those who wait for a job's version to grow."""

    def __init__(self, database: Database, tasks: Tasks) -> None:
        self._database = database
        self._tasks = tasks
        self._waiting: dict[str, dict[asyncio.Event, int]] = defaultdict(dict)
        self._recent: OrderedDict[str, Entry] = OrderedDict()
        self._looking: asyncio.Task[None] | None = None
        self.is_closed = False

    async def changed(self, job_id: str, *, after: int, timeout_s: float | None) -> Entry | None:
        """Return when the job has a version higher than ``after``, or the time is over.

        Also when the service stops.

        Returns:
            The job, if this process has changed it; None if the caller has to look for himself.
        """
        if self.is_closed or self._known(job_id, after):
            return self._known(job_id, after)
        news = asyncio.Event()
        self._waiting[job_id][news] = after
        if self._looking is None:
            self._looking = self._tasks.spawn(self._look(), name="watch")
        try:
            async with asyncio.timeout(timeout_s):
                await news.wait()
        except TimeoutError:
            pass
        finally:
            waiting = self._waiting[job_id]
            del waiting[news]
            if not waiting:
                del self._waiting[job_id]
        return self._known(job_id, after)

    def _known(self, job_id: str, after: int) -> Entry | None:
        entry = self._recent.get(job_id)
        return entry if entry is not None and entry.job.version > after else None

    def publish(self, entry: Entry) -> None:
        """Say that this process has changed a job."""
        job = entry.job
        self._recent[job.job_id] = entry
        self._recent.move_to_end(job.job_id)
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        self._wake(job.job_id, job.version)

    def stir(self) -> None:
        """Wake everybody once, to look whether to go on waiting."""
        for waiting in self._waiting.values():
            for news in waiting:
                news.set()

    def _wake(self, job_id: str, version: int) -> None:
        for news, after in self._waiting.get(job_id, {}).items():
            if version > after:
                news.set()

    def close(self) -> None:
        """Wake everybody, for good."""
        self.is_closed = True
        self.stir()

    async def _look(self) -> None:
        try:
            while self._waiting and not self.is_closed:
                await asyncio.sleep(_LOOK_EVERY_S)
                names = list(self._waiting)
                for start in range(0, len(names), _MOST_AT_ONCE):
                    await self._look_at(names[start : start + _MOST_AT_ONCE])
        finally:
            self._looking = None

    @unbroken
    async def _look_at(self, names: Iterable[str]) -> None:
        try:
            async with self._database.read() as connection:
                rows = await connection.execute(
                    select(JobRow.id, JobRow.version).where(JobRow.id.in_(names))
                )
                found = [(job_id, version) for job_id, version in rows]
        except (OSError, SQLAlchemyError):
            # A database that is away for a moment; who waits has a time limit of its own.
            return
        for job_id, version in found:
            self._wake(job_id, version)
