"""Runs an order through the whole service and takes everything back.

It is parsed, priced, admitted, painted by the renderer that costs nothing, checked and written to
the database; then its part of the transaction is rolled back. No row, blob, job or purchase stays.

Where the gateway stands between this service and OpenAI, the order may be painted as a customer's
is: the gateway answers the call from what the monolith was answered, and nothing is bought.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets

from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.jobs import states
from image_service.jobs.accepting import Acceptance, Known, Submission, Taken
from image_service.jobs.customers import safety_identifier
from image_service.jobs.entries import Entry
from image_service.jobs.journal import Journal, Note, read_one
from image_service.jobs.states import Job, Picture
from image_service.jobs.tracing import continued
from image_service.orders import RETRY_AFTER_S, Orders, Wish
from image_service.problems import Problem, ProblemError
from image_service.providers.port import Call, Provider
from image_service.writer import Writer

# Trials come after customers: two pictures at once, and a short line.
_AT_ONCE = 2
_MOST_WAITING = 32
_WORKER = "sandbox"


class Sandbox:
    """Answers trials."""

    def __init__(
        self,
        *,
        orders: Orders,
        acceptance: Acceptance,
        writer: Writer,
        journal: Journal,
        renderer: Provider,
    ) -> None:
        self._orders = orders
        self._acceptance = acceptance
        self._writer = writer
        self._journal = journal
        self._renderer = renderer
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def rehearse(self, wish: Wish) -> Entry:
        """Return the finished job that the order would have become.

        Raises:
            ProblemError: It would have been refused, or too many trials wait.
        """
        if self._waiting >= _MOST_WAITING:
            raise ProblemError(Problem(code="queue-full", retry_after_s=1))
        self._waiting += 1
        try:
            async with self._turns:
                painted = await self._renderer.paint(wish.order, call=_call(wish))
        finally:
            self._waiting -= 1
        picture = Picture(
            sha256=hashlib.sha256(painted.content).hexdigest(), painted_by=painted.provider, cost=0
        )
        submission = self._orders.submission(wish)

        async def write(connection: AsyncConnection) -> Entry | Problem:
            undo = await connection.begin_nested()
            try:
                return await self._write(connection, submission, picture)
            finally:
                await undo.rollback()

        result = await self._writer.write(write)
        if isinstance(result, Problem):
            raise ProblemError(result)
        return result

    async def _write(
        self, connection: AsyncConnection, submission: Submission, picture: Picture
    ) -> Entry | Problem:
        [answer] = await self._acceptance.take(connection, [submission])
        if isinstance(answer, Known) and answer.is_same:
            return await _known(connection, answer.job_id)
        if not isinstance(answer, Taken):
            return self._orders.refusal(answer, submission)

        now = self._acceptance.now()

        def claim(job: Job) -> Job:
            return states.claim(job, owner=_WORKER, lease_until=now, now=now)

        note = Note(provider=self._renderer.name)
        entry = await self._journal.change(connection, answer.job_id, claim, note, now=now)
        if entry is None or entry.job.is_final:
            return Problem(code="expired")
        fence = entry.job.fence

        def succeed(job: Job) -> Job:
            return states.succeed(job, fence, picture, now=now)

        finished = await self._journal.change(connection, answer.job_id, succeed, note, now=now)
        return finished or Problem(code="internal")


def _call(wish: Wish) -> Call:
    """The call that the order would have made, in the trial's trace."""
    return Call(
        traceparent=continued(wish.traceparent, noise=secrets.randbits(192)),
        safety_identifier=safety_identifier(wish.customer),
    )


async def _known(connection: AsyncConnection, job_id: str) -> Entry | Problem:
    """Return the order that a customer has placed under the same key."""
    entry = await read_one(connection, job_id, to_change=False)
    if entry is None or not entry.job.is_final:
        return Problem(code="idempotency-conflict", retry_after_s=RETRY_AFTER_S)
    return entry
