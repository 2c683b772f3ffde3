"""Group commit: writes that come at the same time share a transaction, and one flush to disk.

A batch whose transaction fails is done again one by one, so that nobody pays for another's fault.
Before anything is written, the transaction looks whether the clock has jumped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.database import Database
from image_service.shared_clock import AstrayError, ClockRow, SharedClock
from image_service.tasks import Tasks

T = TypeVar("T")
Write = Callable[[AsyncConnection], Awaitable[T]]
"""Works within a transaction that others share. It may run again after it was undone."""

# As much as is done in some 50 ms; readers of PostgreSQL's row locks wait no longer than that.
_MOST_AT_ONCE = 64
# What was written so short ago says that the database can be written. A probe that comes every
# second writes a row every five.
_RECENT_S = 5.0


class _Pending(Protocol):
    """A write whose type of result nobody else needs to know."""

    async def run(self, connection: AsyncConnection) -> Callable[[], None]:
        """Write; what is returned is to be called once that is committed."""

    def fail(self, error: BaseException) -> None:
        """Tell the caller why nothing is written."""


@dataclass(slots=True)
class _Waiting(Generic[T]):
    write: Write[T]
    done: asyncio.Future[T] = field(default_factory=asyncio.Future)

    async def run(self, connection: AsyncConnection) -> Callable[[], None]:
        result = await self.write(connection)
        return lambda: None if self.done.done() else self.done.set_result(result)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Writer:
    """Does all writes of this process, in the order they came."""

    def __init__(self, database: Database, tasks: Tasks, clock: SharedClock) -> None:
        self._database = database
        self._clock = clock
        self._tasks = tasks
        self._waiting: list[_Pending] = []
        self._task: asyncio.Task[None] | None = None
        self._written_s: float | None = None
        self._check: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Find out whether the database can be written, by a row where nothing tells already.

        However many ask, one such write waits at a time.

        Raises:
            SQLAlchemyError: It cannot.
            OSError: It cannot be reached.
        """
        now_s = self._clock.steady()
        if self._written_s is not None and now_s - self._written_s < _RECENT_S:
            return
        if self._check is None or self._check.done():
            self._check = self._tasks.spawn(self.write(_touch), name="check")
            self._check.add_done_callback(_forget)
        await asyncio.shield(self._check)

    async def write(self, write: Write[T]) -> T:
        """Run ``write``, and return its result once that is committed.

        A caller that is cancelled meanwhile does not undo it.

        Raises:
            Exception: Whatever ``write`` raises; nothing of it is committed then.
        """
        waiting = _Waiting(write)
        self._waiting.append(waiting)
        if self._task is None:
            self._task = self._tasks.spawn(self._run(), name="writer")
        return await asyncio.shield(waiting.done)

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[:_MOST_AT_ONCE]
                del self._waiting[:_MOST_AT_ONCE]
                await self._commit(batch)
        finally:
            self._task = None

    async def _commit(self, batch: list[_Pending]) -> None:
        try:
            finished = await self._run_together(batch)
        except BaseException as error:
            self._written_s = None
            if len(batch) == 1 or not isinstance(error, Exception):
                for waiting in batch:
                    waiting.fail(error)
                if not isinstance(error, Exception):
                    raise
                return
            for waiting in batch:
                await self._commit([waiting])
        else:
            self._written_s = self._clock.steady()
            for finish in finished:
                finish()

    async def _run_together(self, batch: list[_Pending]) -> list[Callable[[], None]]:
        while True:
            try:
                async with self._database.write() as connection:
                    await self._clock.check(connection)
                    return [await waiting.run(connection) for waiting in batch]
            except AstrayError:
                await self._clock.agree(self._database)


async def _touch(connection: AsyncConnection) -> None:
    """Write a row as it is: a read-only or a full disk lets a transaction begin."""
    await connection.execute(update(ClockRow).values(steps=ClockRow.steps))


def _forget(task: asyncio.Task[None]) -> None:
    """Take note of how it ended, where nobody waits for it any more."""
    if not task.cancelled():
        task.exception()
