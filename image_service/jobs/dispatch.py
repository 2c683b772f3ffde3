"""How jobs find their workers: a port. The jobs table is the truth, whoever dispatches.

A dispatcher only carries names of jobs. It may deliver one twice, late, or never: claiming a job
in the table decides who works on it, and a sweep hands out again what was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A job that waits for a worker.

    Attributes:
        job_id: Its name.
        priority: The higher goes first.
        rank: Among the same priority, the lower goes first.
        wait_s: Not before so many seconds have passed.
    """

    job_id: str
    priority: int
    rank: int
    wait_s: float


class Worker(Protocol):
    """Carries jobs out."""

    @property
    def concurrency(self) -> int:
        """How many at once."""

    async def begin_next(self) -> int:
        """Claim as many waiting jobs as there are free hands, and begin them; return how many."""

    async def carry_out(self, job_id: str) -> None:
        """Claim one job and carry it out; return when it is done, or is not to be had."""

    async def wait_for_hand(self) -> None:
        """Wait until a hand is free."""

    def look_at(self, job_id: str) -> None:
        """Break a job off, if it is in this worker's hands: its cancel is on record."""


class Dispatcher(Protocol):
    """Hands jobs to workers, of this process and of others."""

    async def enqueue(self, connection: AsyncConnection, tickets: Sequence[Ticket]) -> None:
        """Announce jobs within the transaction that writes them: both are committed, or neither."""

    async def run(self, worker: Worker) -> None:
        """Hand jobs to ``worker`` until cancelled; what it has begun goes on then."""

    def wake(self) -> None:
        """Look now: something was announced and committed."""

    async def cancel(self, job_id: str) -> None:
        """Tell whoever works on a job to look at its row now."""
