"""Carries out the jobs that messages name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from image_service.aws.messages import MessageError
from image_service.aws.worker import Works
from image_service.jobs.engine import Engine
from image_service.jobs.identity import is_job_id
from image_service.parts import open_parts
from image_service.settings import Settings


class JobWorks:
    """Makes the pictures of jobs that wait; those in other hands, finished or gone are left."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def work_one(self, job_id: str) -> None:
        """Carry one job out. When the time is over, it is broken off and that is recorded.

        Raises:
            MessageError: No job has such a name.
        """
        if not is_job_id(job_id):
            raise MessageError("no job has such a name")
        try:
            await self._engine.carry_out(job_id)
        except asyncio.CancelledError:
            await self._engine.give_up(job_id)
            raise


@asynccontextmanager
async def open_works(settings: Settings) -> AsyncIterator[Works]:
    """Open what carries jobs out.

    Raises:
        StartupError: The database or the bucket cannot be used.
    """
    async with open_parts(settings) as parts:
        parts.workshop.assist()
        yield JobWorks(parts.workshop.engine)
        await parts.workshop.stop(0.0)
