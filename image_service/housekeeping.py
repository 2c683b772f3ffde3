"""Lets go of what nobody can ask for any more. Images, attempts and accounts stay."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, or_, select, union
from sqlalchemy.sql import delete

from image_service.database import Database
from image_service.jobs.idempotency import KEPT_S
from image_service.jobs.rows import ClaimRow, EventRow, JobRow
from image_service.models import ImageRow

# Rows of one transaction: customers' orders wait for it.
_MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """How much was let go of."""

    jobs: int
    claims: int


async def clean(database: Database, *, now: float, keep_s: float, dry_run: bool = False) -> Cleaned:
    """Delete jobs that finished ``keep_s`` seconds ago, and keys that have run out."""
    is_old_job = JobRow.finished_at < now - keep_s
    is_old_claim = ClaimRow.created_at < now - KEPT_S
    if dry_run:
        async with database.read() as connection:
            jobs = await connection.scalar(
                select(func.count()).select_from(JobRow).where(is_old_job)
            )
            claims = await connection.scalar(
                select(func.count()).select_from(ClaimRow).where(is_old_claim)
            )
        return Cleaned(jobs=jobs or 0, claims=claims or 0)
    deleted = 0
    while True:
        async with database.write() as connection:
            old = list(
                await connection.scalars(select(JobRow.id).where(is_old_job).limit(_MOST_AT_ONCE))
            )
            await connection.execute(delete(EventRow).where(EventRow.job_id.in_(old)))
            await connection.execute(delete(JobRow).where(JobRow.id.in_(old)))
        deleted += len(old)
        if len(old) < _MOST_AT_ONCE:
            break
    async with database.write() as connection:
        result = await connection.execute(delete(ClaimRow).where(is_old_claim))
    return Cleaned(jobs=deleted, claims=result.rowcount)


async def referred(database: Database, pictures: Collection[str]) -> set[str]:
    """Return those of some sha256 that an image, a job or an event of a job refers to.

    A picture on the way to another is there for as long as anybody may be told of it.
    """
    is_shown = or_(JobRow.image_id.is_(None), ImageRow.id.is_not(None))
    async with database.read() as connection:
        rows = await connection.execute(
            union(
                select(ImageRow.sha256).where(ImageRow.sha256.in_(pictures)),
                select(ImageRow.original_sha256).where(ImageRow.original_sha256.in_(pictures)),
                # Of jobs with an image, the image alone decides: deleted is deleted.
                select(JobRow.sha256).where(JobRow.sha256.in_(pictures), JobRow.image_id.is_(None)),
                select(EventRow.sha256)
                .join(JobRow, JobRow.id == EventRow.job_id)
                .outerjoin(ImageRow, ImageRow.id == JobRow.image_id)
                .where(EventRow.sha256.in_(pictures), is_shown),
            )
        )
        return {sha256 for (sha256,) in rows if sha256 is not None}


async def known(database: Database, pictures: Collection[str]) -> set[str]:
    """Return those of some sha256 that a row names, be it only the job of a deleted image."""
    async with database.read() as connection:
        rows = await connection.scalars(
            union(
                select(JobRow.sha256).where(JobRow.sha256.in_(pictures)),
                select(EventRow.sha256).where(EventRow.sha256.in_(pictures)),
            )
        )
        named = {sha256 for sha256 in rows if sha256 is not None}
    return named | await referred(database, pictures)
