"""Jobs as they are now: rows, events, places in the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select

from image_service.database import Database, unbroken
from image_service.jobs.entries import Entry
from image_service.jobs.journal import read_one
from image_service.jobs.rows import EventRow, JobRow
from image_service.jobs.states import State

# Events of one look; a job has about ten.
_MOST_EVENTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a job; ``number`` is its version then, ``data`` is JSON."""

    number: int
    kind: str
    data: str


class Reading:
    """Reads without ever waiting for a writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unbroken
    async def job(self, job_id: str) -> Entry | None:
        """Return a job; None when there is none, or no longer."""
        async with self._database.read() as connection:
            return await read_one(connection, job_id, to_change=False)

    @unbroken
    async def position(self, entry: Entry) -> int | None:
        """Return how many jobs go before a queued one; None when it does not wait."""
        if entry.job.state is not State.QUEUED:
            return None
        goes_before = or_(
            JobRow.priority > entry.priority,
            and_(
                JobRow.priority == entry.priority,
                or_(
                    JobRow.rank < entry.rank,
                    and_(JobRow.rank == entry.rank, JobRow.id < entry.job.job_id),
                ),
            ),
        )
        async with self._database.read() as connection:
            count = await connection.scalar(
                select(func.count())
                .select_from(JobRow)
                .where(JobRow.state == State.QUEUED, goes_before)
            )
        return count or 0

    @unbroken
    async def events(self, job_id: str, *, after: int) -> Sequence[Event]:
        """Return what happened after the event of that number, in order."""
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(EventRow.number, EventRow.kind, EventRow.data)
                .where(EventRow.job_id == job_id, EventRow.number > after)
                .order_by(EventRow.number)
                .limit(_MOST_EVENTS)
            )
            return [Event(number=number, kind=kind, data=data) for number, kind, data in rows]

    @unbroken
    async def depths(self) -> tuple[dict[str, int], float | None]:
        """Return how many jobs there are by unfinished state, and when the oldest was taken."""
        async with self._database.read() as connection:
            unfinished = JobRow.state.in_([State.QUEUED, State.RUNNING])
            rows = await connection.execute(
                select(JobRow.state, func.count()).where(unfinished).group_by(JobRow.state)
            )
            counts = {state: count for state, count in rows}  # noqa: C416 - rows are no plain pairs
            oldest = await connection.scalar(
                select(func.min(JobRow.created_at)).where(JobRow.state == State.QUEUED)
            )
        return counts, oldest
