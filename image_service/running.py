"""The parts that take orders and carry them out, put together for one process."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
import socket
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from image_service.blobs import BlobStore
from image_service.database import Database
from image_service.housekeeping import clean
from image_service.job_settings import JobSettings
from image_service.jobs.accepting import Acceptance
from image_service.jobs.claims import Claims, Hand
from image_service.jobs.dispatch import Dispatcher
from image_service.jobs.engine import Effort, Engine
from image_service.jobs.journal import Journal
from image_service.jobs.keeping import Keeping
from image_service.jobs.painting import Painter
from image_service.jobs.reading import Reading
from image_service.jobs.rests import Rests
from image_service.jobs.settling import Settling
from image_service.jobs.spool import Spool
from image_service.jobs.watch import Watch
from image_service.ledger.prices import Prices
from image_service.orders import Orders, Terms
from image_service.providers.port import Provider
from image_service.shared_clock import SharedClock
from image_service.tasks import Tasks
from image_service.telemetry import Meter
from image_service.writer import Writer

_LOG = logging.getLogger("image_service.running")

_NOISE_BYTES = 6
_CLEAN_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """What a process works with; opened and closed by somebody else."""

    database: Database
    blobs: BlobStore
    provider: Provider
    prices: Prices
    dispatcher: Dispatcher
    settings: JobSettings
    concurrency: int
    clock: SharedClock


class Workshop:
    """Takes orders; makes pictures between ``start`` and ``stop``."""

    def __init__(self, outfit: Outfit) -> None:
        self._outfit = outfit
        self._tasks = Tasks()
        settings = outfit.settings
        self.meter = Meter()
        self.clock = outfit.clock
        self.writer = Writer(outfit.database, self._tasks, outfit.clock)
        self.journal = Journal(outfit.dispatcher)
        self.reading = Reading(outfit.database)
        self.watch = Watch(outfit.database, self._tasks)
        self.rests = Rests(
            database=outfit.database, writer=self.writer, watch=self.watch, clock=outfit.clock
        )
        self.acceptance = Acceptance(
            writer=self.writer,
            dispatcher=outfit.dispatcher,
            tasks=self._tasks,
            room=settings.room,
            budgets=settings.budgets,
            now=outfit.clock,
        )
        self.orders = Orders(
            acceptance=self.acceptance,
            writer=self.writer,
            journal=self.journal,
            reading=self.reading,
            watch=self.watch,
            terms=Terms(
                rests=self.rests,
                provider=outfit.provider.name,
                prices=outfit.prices,
                budgets=settings.budgets,
                concurrency=outfit.concurrency,
                deadline_s=settings.deadline_s,
            ),
            clock=outfit.clock,
        )
        self.spool = Spool(
            database=outfit.database,
            writer=self.writer,
            journal=self.journal,
            blobs=outfit.blobs,
            watch=self.watch,
            meter=self.meter,
            clock=outfit.clock,
        )
        self.engine = self._make_engine(outfit)
        self._work: asyncio.Task[None] | None = None
        self._beside: list[asyncio.Task[None]] = []

    def _make_engine(self, outfit: Outfit) -> Engine:
        claims = Claims(
            database=outfit.database,
            writer=self.writer,
            journal=self.journal,
            watch=self.watch,
            hand=Hand(
                owner=name_worker(),
                lease_s=outfit.settings.lease_s,
                clock=outfit.clock,
                draw=random.SystemRandom().random,
                price_of=lambda entry: outfit.prices.most(
                    outfit.provider.name, entry.order, with_partials=entry.wants_partials
                ),
                budgets=outfit.settings.budgets,
            ),
        )
        settling = Settling(
            writer=self.writer,
            journal=self.journal,
            tasks=self._tasks,
            watch=self.watch,
            meter=self.meter,
            clock=outfit.clock,
        )
        return Engine(
            claims=claims,
            painter=Painter(
                provider=outfit.provider,
                blobs=outfit.blobs,
                prices=outfit.prices,
                rests=self.rests,
            ),
            settling=settling,
            keeping=Keeping(settling=settling, spool=self.spool),
            effort=Effort(
                concurrency=outfit.concurrency,
                lease_s=outfit.settings.lease_s,
                most_attempts=outfit.settings.attempts,
            ),
        )

    def start(self, *, makes_pictures: bool = True) -> None:
        """Begin to make pictures, or leave them to others; clean up every hour in any case."""
        engine = self.engine
        self._begin(engine.run(self._outfit.dispatcher) if makes_pictures else engine.oversee())

    def assist(self) -> None:
        """Begin to make those pictures that ``engine.carry_out`` is asked for."""
        self._begin(self.engine.assist())

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        self._beside = [
            self._tasks.spawn(self._clean(), name="housekeeping"),
            self._tasks.spawn(self.spool.run(), name="spool"),
        ]
        self._work = self._tasks.spawn(work, name="worker")

    async def _clean(self) -> None:
        while True:
            try:
                await self._outfit.database.keep(
                    clean(
                        self._outfit.database,
                        now=self._outfit.clock(),
                        keep_s=self._outfit.settings.keep_s,
                    )
                )
            except (OSError, SQLAlchemyError) as error:
                _LOG.warning("housekeeping_failed error=%s", type(error).__name__)
            await asyncio.sleep(_CLEAN_EVERY_S)

    async def stop(self, grace_s: float) -> None:
        """Begin nothing new; give what is being made ``grace_s`` seconds; let go of who waits.

        What still waits stays on record, for the next worker. May be called again.
        """
        for task in self._beside:
            task.cancel()
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
        await self.engine.drain(grace_s)
        self.watch.close()
        if work is not None:
            with suppress(asyncio.CancelledError):
                await work

    async def close(self) -> None:
        """Write what is still to be written."""
        await self._tasks.drain(grace_s=5.0)


def name_worker() -> str:
    """Name this process as no other is named, for people as well."""
    host = socket.gethostname()[:30]
    return f"{host}:{os.getpid()}:{secrets.token_hex(_NOISE_BYTES)}"
