"""Writes what came of a call, and tells those who wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.jobs.entries import Entry
from image_service.jobs.journal import Decide, Journal, Note
from image_service.jobs.states import Job, StaleError
from image_service.jobs.watch import Watch
from image_service.telemetry import Meter
from image_service.writer import Writer

_LOG = logging.getLogger("image_service.jobs.settling")

# A database that restarts is away for a few seconds; a picture that was paid for waits for it.
SETTLE_PAUSE_S = 1.0

Also = Callable[[AsyncConnection], Awaitable[None]]


class Settling:
    """Settles calls."""

    def __init__(
        self,
        *,
        writer: Writer,
        journal: Journal,
        watch: Watch,
        meter: Meter,
        clock: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._journal = journal
        self._watch = watch
        self._meter = meter
        self.now = clock

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

        async def write(connection: AsyncConnection) -> Entry | None:
            entry = await self._journal.change(connection, job.job_id, decide, note, now=self.now())
            if also is not None:
                await also(connection)
            return entry

        try:
            entry = await self._writer.write(write)
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
