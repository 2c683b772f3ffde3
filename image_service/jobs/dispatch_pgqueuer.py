"""Dispatch by PgQueuer on PostgreSQL: workers of several machines are told of jobs at once.

A ticket is committed together with its job. PgQueuer hands a dead worker's ticket out again; the
job itself is taken over by its lease, whoever notices first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg  # type: ignore[import-untyped]  # it ships none
from pgqueuer import Job, Queries, QueueManager
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.errors import PgqException
from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.database import Database
from image_service.jobs.dispatch import Ticket, Worker

_ENTRYPOINT = "figueira_images"
_CANCEL_CHANNEL = "figueira_images_cancel"
# PostgreSQL tells of new tickets at once; this is for those whose time has come.
_LOOK_EVERY = timedelta(seconds=2)
# PgQueuer's priority is a 32-bit number: eight levels, and within each the lower rank first.
_RANKS = 2**27
_LEVELS = 7
_SETUP_LOCK = 0x46494756


class DispatchError(OSError):
    """The connection that tickets come by is gone; a new one may work."""


class PgQueuerDispatcher:
    """Tickets in PgQueuer's table, in the same database as the jobs."""

    def __init__(self, database: Database, *, lease_s: float) -> None:
        self._database = database
        self._lease_s = lease_s

    async def prepare(self) -> None:
        """Create or upgrade PgQueuer's tables; harmless when several processes do it at once."""
        async with self._connected() as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", _SETUP_LOCK)
            try:
                queries = Queries(AsyncpgDriver(connection))
                if await queries.schema_is_installed():
                    await queries.upgrade()
                else:
                    await queries.install()
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", _SETUP_LOCK)

    async def enqueue(self, connection: AsyncConnection, tickets: Sequence[Ticket]) -> None:
        """Write tickets within the caller's transaction."""
        if not tickets:
            return
        raw = await connection.get_raw_connection()
        queries = Queries(AsyncpgDriver(_asyncpg(raw.driver_connection)))
        await queries.enqueue(
            [_ENTRYPOINT] * len(tickets),
            [ticket.job_id.encode() for ticket in tickets],
            [_priority(ticket) for ticket in tickets],
            [timedelta(seconds=ticket.wait_s) for ticket in tickets],
        )

    async def run(self, worker: Worker) -> None:
        """Carry out the jobs whose tickets come, until cancelled.

        Raises:
            DispatchError: The connection is gone.
        """
        try:
            async with self._connected() as connection:
                await self._listen(connection, worker)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, PgqException) as error:
            raise DispatchError(f"PgQueuer failed ({type(error).__name__})") from error
        raise DispatchError("PgQueuer has stopped")

    async def _listen(self, connection: asyncpg.Connection, worker: Worker) -> None:
        driver = AsyncpgDriver(connection)
        manager = QueueManager(Queries(driver))

        @manager.entrypoint(_ENTRYPOINT, accepts_context=False)
        async def carry_out(job: Job) -> None:
            if job.payload is not None:
                await worker.carry_out(job.payload.decode())

        await driver.add_listener(_CANCEL_CHANNEL, lambda job_id: worker.look_at(str(job_id)))
        # Twice a batch is the least that PgQueuer takes; the worker has its own limit.
        most = max(worker.concurrency, 2)
        await manager.run(
            dequeue_timeout=_LOOK_EVERY,
            batch_size=max(most // 2, 1),
            max_concurrent_tasks=most,
            heartbeat_timeout=timedelta(seconds=self._lease_s),
            shutdown_on_listener_failure=True,
        )

    def wake(self) -> None:
        """Leave it to PostgreSQL, which notifies when the ticket is committed."""

    async def cancel(self, job_id: str) -> None:
        """Notify every worker."""
        async with self._database.write() as connection:
            await connection.exec_driver_sql("SELECT pg_notify($1, $2)", (_CANCEL_CHANNEL, job_id))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        """Take a connection of the pool for oneself; it does not go back."""
        async with self._database.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            try:
                yield _asyncpg(raw.driver_connection)
            finally:
                # It has listeners, and may be in the middle of something.
                await asyncio.shield(connection.invalidate())


def _asyncpg(connection: object) -> asyncpg.Connection:
    if not isinstance(connection, asyncpg.Connection):
        raise TypeError(f"{type(connection).__name__} is no connection of asyncpg")
    return connection


def _priority(ticket: Ticket) -> int:
    level = min(max(ticket.priority, -_LEVELS), _LEVELS)
    return level * _RANKS - min(ticket.rank, _RANKS - 1)
