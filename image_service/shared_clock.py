"""The one clock of all processes on a database: that of the database's machine, without its jumps.

See ``reckoning`` for what counts as a jump. No transaction of this process writes under a reckoning
that differs from what is on record: ``check`` stands at the beginning of each.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import Double, Integer, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from image_service.database import Database
from image_service.jobs.rows import ClaimRow, JobRow, RestRow, SpooledRow
from image_service.models import Base
from image_service.reckoning import Look, Reckoning

_LOG = logging.getLogger("image_service.shared_clock")

# On PostgreSQL, writers share it and who moves everything has it alone. Any constant will do.
_LOCK = 0x46494757
# Looks until one is quick enough.
_TRIES = 5


class ClockRow(Base):
    """How often the clock of the database's machine was seen to jump, and how far; one row."""

    __tablename__ = "clock"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    steps: Mapped[int] = mapped_column(Integer)
    moved_s: Mapped[float] = mapped_column(Double)
    """What everything on record was moved by, in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """What a process reads time from.

    Attributes:
        steady: Seconds that nobody sets, on from any moment.
        wall: Asks the shared clock: seconds since 1970, UTC.
    """

    steady: Callable[[], float]
    wall: Callable[[AsyncConnection], Awaitable[float]]


class AstrayError(Exception):
    """The shared clock has jumped: ``SharedClock.agree`` comes before anything is written."""


class SharedClock:
    """Says what time it is: seconds since 1970, never jumping for who looks twice.

    Args:
        clocks: What is read.
        moves_records: Whether a step that nobody has counted moves what is on record. Not where
            the steady clock may stand still without anybody knowing, as in a frozen Lambda process.
    """

    def __init__(self, clocks: Clocks, *, moves_records: bool = True) -> None:
        self.steady = clocks.steady
        self._clocks = clocks
        self._moves_records = moves_records
        self._reckoning = Reckoning(ahead_s=0.0, steps=0)

    def __call__(self) -> float:
        """Return the time."""
        return self.steady() + self._reckoning.ahead_s

    async def start(self, database: Database) -> None:
        """Take the shared clock for right: who has not seen it jump cannot know better."""
        async with database.read() as connection:
            self._reckoning = self._reckoning.follow(await self._look(connection))

    async def is_astray(self, database: Database) -> bool:
        """Look at the shared clock, and follow it; True when ``agree`` is called for."""
        async with database.read() as connection:
            look = await self._look(connection)
        return not self._follow(look)

    async def check(self, connection: AsyncConnection) -> None:
        """Stand at the beginning of a writing transaction; nobody moves the records during it.

        Raises:
            AstrayError: Nothing may be written under this reckoning.
        """
        if connection.dialect.name != "sqlite":
            await connection.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), _LOCKING)
        if not self._follow(await self._look(connection)):
            raise AstrayError

    async def agree(self, database: Database) -> None:
        """Bring the reckoning and what is on record in line with the shared clock."""
        async with database.write() as connection:
            if connection.dialect.name != "sqlite":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), _LOCKING)
            look = await self._clear_look(connection)
            step_s = self._reckoning.uncounted_s(look)
            agreed = self._reckoning.follow(look)
            if self._reckoning.judge(look) == "stepped" and self._moves_records:
                await _move(connection, step_s)
                agreed = self._reckoning.count(look)
        # Only now: the transaction is committed.
        self._reckoning = agreed
        _LOG.warning("clock_stepped seconds=%.1f steps=%d", step_s, agreed.steps)

    def _follow(self, look: Look) -> bool:
        verdict = self._reckoning.judge(look)
        if verdict == "right":
            self._reckoning = self._reckoning.follow(look)
        return verdict in {"right", "unclear"}

    async def _look(self, connection: AsyncConnection) -> Look:
        asked_s = self.steady()
        wall_s = await self._clocks.wall(connection)
        answered_s = self.steady()
        row = (await connection.execute(select(ClockRow.steps, ClockRow.moved_s))).one_or_none()
        steps, moved_s = row if row is not None else (0, 0.0)
        return Look(
            wall_s=wall_s, steps=steps, moved_s=moved_s, asked_s=asked_s, answered_s=answered_s
        )

    async def _clear_look(self, connection: AsyncConnection) -> Look:
        look = await self._look(connection)
        for _ in range(_TRIES):
            if not look.is_slow:
                break
            look = await self._look(connection)
        return look


_LOCKING = {"lock": _LOCK}


_MOVED: dict[type[Base], tuple[str, ...]] = {
    JobRow: (
        "created_at",
        "available_at",
        "deadline_at",
        "lease_until",
        "started_at",
        "finished_at",
    ),
    ClaimRow: ("created_at",),
    SpooledRow: ("spooled_at", "due_at"),
    RestRow: ("until",),
}


async def _move(connection: AsyncConnection, step_s: float) -> None:
    """Move everything on record whose age or turn somebody asks for."""
    await connection.execute(
        update(ClockRow).values(steps=ClockRow.steps + 1, moved_s=ClockRow.moved_s + step_s)
    )
    for row, names in _MOVED.items():
        columns = row.__table__.columns
        await connection.execute(
            update(row).values({name: columns[name] + step_s for name in names})
        )


def clocks_of(database: Database) -> Clocks:
    """Return the clocks of this machine, and of the database's where that may be another."""
    return Clocks(steady=steady_clock, wall=_own_wall if database.is_sqlite else _database_wall)


def steady_clock() -> float:
    """Return seconds since the machine was started, those that it was suspended for as well."""
    # Linux has it; elsewhere a suspended machine looks as though its wall clock had been set.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def wall_clock() -> float:
    """Return seconds since 1970 by this machine's own clock."""
    return time.time()  # noqa: TID251 - read here, and handed on


async def _own_wall(_connection: AsyncConnection) -> float:
    return wall_clock()


async def _database_wall(connection: AsyncConnection) -> float:
    seconds = await connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
    if seconds is None:
        raise TypeError("the database does not say what time it is")
    return float(seconds)
