"""Keeps what was bought: in the blob store or, where that will not have it, on the spool."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.jobs import states
from image_service.jobs.journal import Note
from image_service.jobs.painting import Bought
from image_service.jobs.settling import SETTLE_PAUSE_S, Settling
from image_service.jobs.spool import Kept, Spool
from image_service.jobs.states import Job, Picture

_LOG = logging.getLogger("image_service.jobs.keeping")


class Keeping:
    """Ends jobs whose picture has come."""

    def __init__(self, *, settling: Settling, spool: Spool) -> None:
        self._settling = settling
        self._spool = spool

    @property
    def is_full(self) -> bool:
        """Whether so many pictures wait for the store that nothing more should be bought."""
        return self._spool.is_full

    async def keep(
        self, job: Job, bought: Bought, note: Note, on_settling: Callable[[], None]
    ) -> None:
        """Bring a picture into the store or onto the spool, and settle its call.

        Where the database refuses as well, on a disk that is full for both, the picture waits in
        memory until one of them takes it.

        Args:
            job: In the caller's hands.
            bought: What came.
            note: What is known of the call.
            on_settling: Called as soon as the caller must not be cancelled any more.
        """
        while True:
            try:
                kept = await self._spool.put(bought.painted.content, bought.painted.original)
            except (OSError, asyncio.CancelledError) as error:
                # Whoever breaks this off is in a hurry: the database is the shorter way then.
                reason = str(error) or type(error).__name__
                _LOG.warning("picture_spooled job=%s reason=%r", job.job_id, reason)
            else:
                on_settling()
                await self._succeed(job, bought, kept, note)
                return
            on_settling()
            if await self._set_aside(job, bought, note):
                return
            await asyncio.sleep(SETTLE_PAUSE_S)

    async def _succeed(self, job: Job, bought: Bought, kept: Kept, note: Note) -> None:
        picture = Picture(sha256=kept.sha256, painted_by=bought.painted_by, cost=bought.cost)

        def succeed(held: Job) -> Job:
            held = states.timed(held, provider_s=bought.provider_s, store_s=kept.took_s)
            return states.succeed(held, job.fence, picture, now=self._settling.now())

        note = replace(note, original_sha256=kept.original_sha256)
        await self._settling.settle(job, succeed, note)

    async def _set_aside(self, job: Job, bought: Bought, note: Note) -> bool:
        def spool(held: Job) -> Job:
            held = states.timed(held, provider_s=bought.provider_s)
            return states.spool(held, job.fence, painted_by=bought.painted_by, cost=bought.cost)

        async def write_down(connection: AsyncConnection) -> None:
            await self._spool.take(connection, job.job_id, bought.painted)

        return await self._settling.settle_once(job, spool, note, also=write_down)
