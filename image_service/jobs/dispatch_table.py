"""The embedded dispatcher: the jobs table itself, which workers look at.

Workers of this process are woken; those of others look every now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.jobs.dispatch import Ticket, Worker

# How late another process's order is begun; a picture takes seconds.
_LOOK_EVERY_S = 0.5


class TableDispatcher:
    """Needs nothing but the table."""

    def __init__(self, look_every_s: float = _LOOK_EVERY_S) -> None:
        self._look_every_s = look_every_s
        self._news = asyncio.Event()
        self._worker: Worker | None = None

    async def enqueue(self, connection: AsyncConnection, tickets: Sequence[Ticket]) -> None:
        """Leave it to the rows."""

    async def run(self, worker: Worker) -> None:
        """Claim whenever there is a free hand and something may wait."""
        self._worker = worker
        while True:
            await worker.wait_for_hand()
            self._news.clear()
            if await worker.begin_next() == 0:
                await self._wait()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._look_every_s):
                await self._news.wait()

    def wake(self) -> None:
        """Look now."""
        self._news.set()

    async def cancel(self, job_id: str) -> None:
        """Tell the worker of this process; others look at the row every second."""
        if self._worker is not None:
            self._worker.look_at(job_id)
