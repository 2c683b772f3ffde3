"""What a worker asks of the jobs table: next jobs, leases, dead workers' jobs, passed deadlines."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.database import Database, unbroken
from image_service.jobs import states
from image_service.jobs.entries import Entry, read_entry, select_entries
from image_service.jobs.journal import Change, Decide, Journal, Note
from image_service.jobs.repricing import over_budget
from image_service.jobs.rows import JobRow
from image_service.jobs.states import Job, StaleError, State
from image_service.jobs.watch import Watch
from image_service.ledger.budgets import Budgets
from image_service.shared_clock import SharedClock
from image_service.writer import Writer

# Jobs of one sweep; the next comes a second later.
_MOST_AT_ONCE = 100
_DecideAll = Callable[[AsyncConnection, Sequence[Entry]], Awaitable[list[Decide]]]
_BY_TURN = (JobRow.priority.desc(), JobRow.rank, JobRow.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who claims.

    Attributes:
        owner: The worker's name, which no other has; at most 64 characters.
        lease_s: For how long a claim holds without a sign of life.
        clock: Says what time it is.
        draw: Chance: a number in [0, 1).
        price_of: What a job may cost at most with this worker's provider.
        budgets: What may be spent where that is more than the job was taken for.
    """

    owner: str
    lease_s: float
    clock: SharedClock
    draw: Callable[[], float]
    price_of: Callable[[Entry], int]
    budgets: Budgets


class Claims:
    """One worker's hold on jobs."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        journal: Journal,
        watch: Watch,
        hand: Hand,
    ) -> None:
        self._database = database
        self._writer = writer
        self._journal = journal
        self._watch = watch
        self._owner = hand.owner
        self._lease_s = hand.lease_s
        self.now = self._clock = hand.clock
        self.steady = hand.clock.steady
        self.draw = hand.draw
        self._price_of = hand.price_of
        self._budgets = hand.budgets

    @unbroken
    async def are_waiting(self, *, since_s: float = 0.0) -> bool:
        """Whether there is anything to claim; asks without taking the write lock.

        Args:
            since_s: Only what could have been begun so long ago.
        """
        statement = select(JobRow.id).where(*_turn_has_come(self.now() - since_s)).limit(1)
        async with self._database.read() as connection:
            return await connection.scalar(statement) is not None

    async def claim_next(self, provider: str, *, limit: int) -> list[Entry]:
        """Claim the next jobs; each comes with its call to ``provider`` on record."""
        statement = select_entries().where(*_turn_has_come(self.now()))
        return await self._claim(statement.order_by(*_BY_TURN).limit(limit), provider)

    async def claim_one(self, provider: str, job_id: str) -> Entry | None:
        """Claim one job; None when it is not to be had."""
        statement = select_entries().where(JobRow.id == job_id, *_turn_has_come(self.now()))
        claimed = await self._claim(statement, provider)
        return claimed[0] if claimed else None

    async def _claim(self, statement: Select[tuple[object, ...]], provider: str) -> list[Entry]:
        async def decide(connection: AsyncConnection, entries: Sequence[Entry]) -> list[Decide]:
            now = self.now()
            prices = [self._price_of(entry) for entry in entries]
            refused = await over_budget(connection, self._budgets, entries, prices)
            return [
                functools.partial(states.refuse, failure=refused[entry.job.job_id], now=now)
                if entry.job.job_id in refused
                else functools.partial(
                    states.claim,
                    owner=self._owner,
                    lease_until=now + self._lease_s,
                    now=now,
                    price=price,
                )
                for entry, price in zip(entries, prices, strict=True)
            ]

        changed = await self._change(statement, decide, provider)
        return [entry for entry in changed if entry.job.state is State.RUNNING]

    async def _change(
        self,
        statement: Select[tuple[object, ...]],
        decide: _DecideAll,
        provider: str,
    ) -> list[Entry]:
        """Change all jobs that a statement selects, save those that are somebody else's now."""
        statement = statement.with_for_update(of=JobRow, skip_locked=True)

        async def write(connection: AsyncConnection) -> list[Entry]:
            rows = await connection.execute(statement)
            entries = [read_entry(row) for row in rows]
            changes = _decided(entries, await decide(connection, entries), provider)
            return await self._journal.write(connection, changes, now=self.now())

        changed = await self._writer.write(write)
        for entry in changed:
            self._watch.publish(entry)
        return changed

    async def tell_time(self) -> None:
        """Look whether the clock has jumped; if so, bring what is on record in line."""
        if await self._database.keep(self._clock.is_astray(self._database)):
            await self._writer.write(_nothing)

    async def beat(self) -> None:
        """Extend all our leases."""
        ours = update(JobRow).where(JobRow.owner == self._owner, JobRow.state == State.RUNNING)

        async def write(connection: AsyncConnection) -> None:
            # By now: a database that was away may have let this wait longer than a lease.
            await connection.execute(ours.values(lease_until=self.now() + self._lease_s))

        await self._writer.write(write)

    @unbroken
    async def held(self) -> dict[tuple[str, int], bool]:
        """Return our jobs by name and fence, and whether a cancel is asked for."""
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(JobRow.id, JobRow.fence, JobRow.is_cancel_asked).where(
                    JobRow.owner == self._owner, JobRow.state == State.RUNNING
                )
            )
            return {(job_id, fence): is_asked for job_id, fence, is_asked in rows}

    @unbroken
    async def sweep(self) -> None:
        """Take over dead workers' jobs, and end queued ones whose deadline has passed."""
        now = self.now()
        is_dead = (JobRow.state == State.RUNNING) & (JobRow.lease_until <= now)
        is_late = (JobRow.state == State.QUEUED) & (JobRow.deadline_at <= now)
        async with self._database.read() as connection:
            found = await connection.scalar(select(JobRow.id).where(or_(is_dead, is_late)).limit(1))
        if found is None:
            return
        for condition, decide in ((is_dead, states.take_over), (is_late, states.expire)):
            statement = select_entries().where(condition).limit(_MOST_AT_ONCE)
            await self._change(statement, self._alike(decide), "")

    def _alike(self, decide: Callable[..., Job]) -> _DecideAll:
        async def decide_all(_: AsyncConnection, entries: Sequence[Entry]) -> list[Decide]:
            return [functools.partial(decide, now=self.now())] * len(entries)

        return decide_all


async def _nothing(_connection: AsyncConnection) -> None:
    """Every transaction of the writer looks at the clock first."""


def _turn_has_come(now: float) -> tuple[ColumnElement[bool], ...]:
    return (JobRow.state == State.QUEUED, JobRow.available_at <= now)


def _decided(entries: Sequence[Entry], decisions: Sequence[Decide], provider: str) -> list[Change]:
    changes = []
    for entry, decide in zip(entries, decisions, strict=True):
        try:
            after = decide(entry.job)
        except StaleError:
            continue
        # The attempt of a dead worker keeps the provider that it was begun with.
        changes.append(Change(before=entry, after=after, note=Note(provider=provider)))
    return changes
