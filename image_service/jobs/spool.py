"""Brings bought pictures into the blob store, however long it will not have them.

A picture that the store does not take (a full disk, a bucket that answers 503) is written into the
database, in the transaction that settles its purchase. From there it is put again until the store
takes it, by whichever process looks first, also after a restart: nothing is bought a second time.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.blobs import BlobStore
from image_service.database import Database, unbroken
from image_service.jobs import states
from image_service.jobs.entries import Entry
from image_service.jobs.journal import Journal, Note
from image_service.jobs.rows import SpooledRow
from image_service.jobs.states import Job, StaleError
from image_service.jobs.watch import Watch
from image_service.providers.port import Painted
from image_service.shared_clock import SharedClock
from image_service.telemetry import Meter
from image_service.writer import Writer

_LOG = logging.getLogger("image_service.jobs.spool")

# A store that has not taken a picture by then takes it later; customers and leases go on meanwhile.
_PUT_PATIENCE_S = 15.0
_LOOK_EVERY_S = 1.0
# Doubled with each try. Half a minute after the store is well again nothing waits any more.
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0
# Some 4 MB each, at most 64 MB: with so many waiting, no worker begins what it could not keep.
_MOST_SPOOLED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A picture that the store has taken.

    Attributes:
        sha256: Its name there.
        original_sha256: That of what it was made of; None where it is what was sent.
        took_s: How long that took.
    """

    sha256: str
    original_sha256: str | None
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    job_id: str
    painted: Painted


class Spool:
    """Pictures on their way into the store.

    Attributes:
        is_full: Whether so many wait that nothing more should be bought.
    """

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        journal: Journal,
        blobs: BlobStore,
        watch: Watch,
        meter: Meter,
        clock: SharedClock,
    ) -> None:
        self._database = database
        self._writer = writer
        self._journal = journal
        self._blobs = blobs
        self._watch = watch
        self._meter = meter
        self._clock = clock
        self.is_full = False

    async def put(self, content: bytes, original: bytes | None) -> Kept:
        """Put a picture, and what it was made of.

        Raises:
            OSError: The store does not take them, or not in time.
        """
        began_s = self._clock.steady()
        async with asyncio.timeout(_PUT_PATIENCE_S):
            original_sha256 = None if original is None else await self._blobs.put(original)
            sha256 = await self._blobs.put(content)
        took_s = self._clock.steady() - began_s
        return Kept(sha256=sha256, original_sha256=original_sha256, took_s=took_s)

    async def take(self, connection: AsyncConnection, job_id: str, painted: Painted) -> None:
        """Write a picture down, within the transaction that settles its purchase."""
        now = self._clock()
        row = {
            "job_id": job_id,
            "content": painted.content,
            "original": painted.original,
            "provider": painted.provider,
            "spooled_at": now,
            "due_at": now + _FIRST_WAIT_S,
            "tries": 1,
        }
        await connection.execute(insert(SpooledRow), row)

    async def run(self) -> None:
        """Put again what waits, until cancelled."""
        while True:
            try:
                while await self._bring_next():
                    pass
                self.is_full = await self.waiting() >= _MOST_SPOOLED
            except (OSError, SQLAlchemyError) as error:
                _LOG.warning("spool_failed error=%s", type(error).__name__)
            await asyncio.sleep(_LOOK_EVERY_S)

    @unbroken
    async def waiting(self) -> int:
        """Return how many pictures wait."""
        async with self._database.read() as connection:
            count = await connection.scalar(select(func.count()).select_from(SpooledRow))
        return count or 0

    async def _bring_next(self) -> bool:
        """Bring one picture into the store; False when none is due, or it is not taken."""
        job_id = await self._claim_next()
        if job_id is None:
            return False
        waiting = await self._read(job_id)
        if waiting is None:
            return True
        try:
            kept = await self.put(waiting.painted.content, waiting.painted.original)
        except OSError as error:
            _LOG.warning("picture_waits job=%s error=%s", job_id, error)
            return False
        await self._settle(waiting, kept)
        return True

    async def _claim_next(self) -> str | None:
        """Choose who is due, and put its next try off, so that no other process tries as well."""
        found = await self._find_due()
        if found is None:
            return None
        job_id, tries = found
        wait_s = min(_FIRST_WAIT_S * 2.0 ** min(tries, 10), _LONGEST_WAIT_S)
        claim = (
            update(SpooledRow)
            .where(SpooledRow.job_id == job_id, SpooledRow.tries == tries)
            .values(tries=tries + 1)
        )

        async def write(connection: AsyncConnection) -> bool:
            due_at = self._clock() + wait_s
            return (await connection.execute(claim.values(due_at=due_at))).rowcount == 1

        return job_id if await self._writer.write(write) else None

    @unbroken
    async def _find_due(self) -> tuple[str, int] | None:
        statement = (
            select(SpooledRow.job_id, SpooledRow.tries)
            .where(SpooledRow.due_at <= self._clock())
            .order_by(SpooledRow.due_at)
            .limit(1)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else (row.job_id, row.tries)

    @unbroken
    async def _read(self, job_id: str) -> _Waiting | None:
        columns = (SpooledRow.content, SpooledRow.original, SpooledRow.provider)
        async with self._database.read() as connection:
            row = (
                await connection.execute(select(*columns).where(SpooledRow.job_id == job_id))
            ).one_or_none()
        if row is None:
            return None
        painted = Painted(content=row.content, original=row.original, provider=row.provider)
        return _Waiting(job_id=job_id, painted=painted)

    async def _settle(self, waiting: _Waiting, kept: Kept) -> None:
        job_id, sha256 = waiting.job_id, kept.sha256
        note = Note(provider=waiting.painted.provider, original_sha256=kept.original_sha256)

        async def write(connection: AsyncConnection) -> Entry | None:
            # As it is on record now: a clock that was set has moved it.
            spooled_at = await connection.scalar(
                delete(SpooledRow)
                .where(SpooledRow.job_id == job_id)
                .returning(SpooledRow.spooled_at)
            )
            now = self._clock()
            took_s = 0.0 if spooled_at is None else now - spooled_at

            def unspool(job: Job) -> Job:
                return states.unspool(states.timed(job, store_s=took_s), sha256, now=now)

            # The store takes pictures again: the others need not wait for their turn.
            await connection.execute(update(SpooledRow).values(due_at=now))
            try:
                return await self._journal.change(connection, job_id, unspool, note, now=now)
            except StaleError:
                # Another process was faster.
                return None

        entry = await self._writer.write(write)
        if entry is not None:
            _LOG.warning("picture_kept job=%s", job_id)
            self._watch.publish(entry)
            self._meter.ended(entry)
