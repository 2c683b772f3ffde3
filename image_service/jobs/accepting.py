"""Takes orders: all that come while the last ones are being written go into one transaction."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import delete, insert

from image_service.contract import Order
from image_service.jobs.admission import Full, Room, admit
from image_service.jobs.dispatch import Dispatcher, Ticket
from image_service.jobs.entries import life_of
from image_service.jobs.fairness import ranks
from image_service.jobs.idempotency import KEPT_S, Claim
from image_service.jobs.rows import ClaimRow, JobRow
from image_service.jobs.states import Job, State
from image_service.jobs.wording import write_order
from image_service.ledger.accounts import Movement, move, used
from image_service.ledger.budgets import EVERYBODY, Budgets, Exceeded, allow, period_at
from image_service.models import ImageRow
from image_service.tasks import Tasks
from image_service.writer import Writer

# Rows of one INSERT: PostgreSQL allows 32,767 values, a job has thirty.
_MOST_AT_ONCE = 256
# So long an order takes to come here at most, unless the clock has jumped meanwhile.
_LATE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An order that asks to be taken.

    Attributes:
        job_id: Its name from now on.
        now: When it came.
        customer: Who orders.
        order: What.
        provider: Who will be asked for it.
        price: What one call may cost at most; so much is reserved.
        has_image: Whether it is an image of the shop, with a number of its own.
        priority: The higher goes first.
        deadline_at: When the customer has no more use for it; None for never.
        wants_partials: Whether pictures on the way are asked for.
        traceparent: Of the request.
        request_id: Its name.
        claim: Its Idempotency-Key; None when it has none.
        rests_s: So long the provider is left alone, if that is longer than the order can wait.
    """

    job_id: str
    now: float
    customer: str
    order: Order
    provider: str
    price: int
    has_image: bool = True
    priority: int = 0
    deadline_at: float | None = None
    wants_partials: bool = False
    traceparent: str | None = None
    request_id: str | None = None
    claim: Claim | None = None
    rests_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The order is on record and will be carried out; ``image_id`` is None without an image."""

    job_id: str
    image_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The key was used before: for this request, or for another one."""

    job_id: str
    is_same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """The provider is left alone for longer than the order can wait."""

    for_s: float


Answer = Taken | Known | Full | Exceeded | Resting


@dataclass(slots=True)
class _Batch:
    submissions: list[Submission]
    written: asyncio.Task[list[Answer]] | None = None


class Acceptance:
    """Takes orders, or says why not."""

    def __init__(
        self,
        *,
        writer: Writer,
        dispatcher: Dispatcher,
        tasks: Tasks,
        room: Room,
        budgets: Budgets,
        now: Callable[[], float],
    ) -> None:
        self.now = now
        self._writer = writer
        self._dispatcher = dispatcher
        self._tasks = tasks
        self._room = room
        self._budgets = budgets
        self._open: _Batch | None = None

    async def submit(self, submission: Submission) -> Answer:
        """Take an order; once this returns ``Taken``, nothing but a lost disk can lose it."""
        batch = self._open
        if batch is None or len(batch.submissions) >= _MOST_AT_ONCE:
            batch = self._open = _Batch([])
        index = len(batch.submissions)
        batch.submissions.append(submission)
        if batch.written is None:
            batch.written = self._tasks.spawn(self._write_batch(batch), name="acceptance")
        answer = (await asyncio.shield(batch.written))[index]
        if isinstance(answer, Taken):
            self._dispatcher.wake()
        return answer

    async def _write_batch(self, batch: _Batch) -> list[Answer]:
        try:
            return await self._writer.write(functools.partial(self._take_batch, batch))
        finally:
            # A transaction that could not even begin has not closed it: nobody else may join.
            self._close(batch)

    async def _take_batch(self, batch: _Batch, connection: AsyncConnection) -> list[Answer]:
        self._close(batch)
        return await self.take(connection, batch.submissions)

    def _close(self, batch: _Batch) -> None:
        if self._open is batch:
            self._open = None

    async def take(
        self, connection: AsyncConnection, submissions: Sequence[Submission]
    ) -> list[Answer]:
        """Take several orders in a transaction; the answers are in their order."""
        now = self.now()
        submissions = [_as_of(now, each) for each in submissions]
        known = await _claim_keys(connection, submissions)
        new = [each for each in submissions if each.job_id not in known]
        refused = await self._refuse(connection, new)
        # Who comes with the key of an order that is refused right here is refused with it.
        answers: dict[str, Answer] = {
            job_id: refused.get(answer.job_id, answer) for job_id, answer in known.items()
        }
        answers |= refused
        taken = [each for each in new if each.job_id not in answers]
        await _unclaim(connection, [each for each in new if each.job_id in answers])
        if taken:
            answers |= await self._write(connection, taken)
        return [answers[each.job_id] for each in submissions]

    async def _refuse(
        self, connection: AsyncConnection, submissions: Sequence[Submission]
    ) -> dict[str, Full | Exceeded | Resting]:
        if not submissions:
            return {}
        waiting = await connection.scalar(
            select(func.count()).select_from(JobRow).where(JobRow.state == State.QUEUED)
        )
        customers = {each.customer for each in submissions}
        of_customer = {
            name: count for name, (count, _) in (await _lines(connection, customers)).items()
        }
        spent: dict[str, int] = {}
        if not self._budgets.is_unlimited and any(each.price for each in submissions):
            period = period_at(submissions[0].now, self._budgets.period)
            spent = await used(connection, period, customers)
        total = waiting or 0
        refused: dict[str, Full | Exceeded | Resting] = {}
        for each in submissions:
            mine = of_customer.get(each.customer, 0)
            rest = None if each.rests_s is None else Resting(for_s=each.rests_s)
            reason = (
                rest
                or admit(self._room, waiting=total, of_customer=mine)
                or allow(self._budgets, customer=each.customer, price=each.price, used=spent)
            )
            if reason is not None:
                refused[each.job_id] = reason
                continue
            total += 1
            of_customer[each.customer] = mine + 1
            for account in (each.customer, EVERYBODY):
                spent[account] = spent.get(account, 0) + each.price
        return refused

    async def _write(
        self, connection: AsyncConnection, taken: Sequence[Submission]
    ) -> dict[str, Taken]:
        image_ids = await _insert_images(connection, taken)
        lines = await _lines(connection, {each.customer for each in taken})
        given = ranks(
            [each.customer for each in taken],
            serving=await _serving(connection),
            last={name: rank for name, (_, rank) in lines.items()},
        )
        period = period_at(taken[0].now, self._budgets.period)
        await connection.execute(
            insert(JobRow),
            [
                _row(each, image_ids.get(each.job_id), rank, period)
                for each, rank in zip(taken, given, strict=True)
            ],
        )
        await move(
            connection,
            [
                Movement(period=period, customer=each.customer, reserved=each.price, spent=0)
                for each in taken
            ],
        )
        tickets = [
            Ticket(job_id=each.job_id, priority=each.priority, rank=rank, wait_s=0.0)
            for each, rank in zip(taken, given, strict=True)
        ]
        await self._dispatcher.enqueue(connection, tickets)
        return {
            each.job_id: Taken(job_id=each.job_id, image_id=image_ids.get(each.job_id))
            for each in taken
        }


def _as_of(now: float, each: Submission) -> Submission:
    """Let an order come now if the clock has jumped since, or the line was long."""
    late_s = now - each.now
    if abs(late_s) < _LATE_S:
        return each
    deadline_at = None if each.deadline_at is None else each.deadline_at + late_s
    return replace(each, now=now, deadline_at=deadline_at)


async def _claim_keys(
    connection: AsyncConnection, submissions: Sequence[Submission]
) -> dict[str, Known]:
    """Claim the keys that are free; return what is known of the others, by the new job's name."""
    # In one order everywhere, so that two transactions never wait for each other.
    asking = sorted(
        ((each.claim, each) for each in submissions if each.claim is not None),
        key=lambda pair: pair[0].claim_id,
    )
    if not asking:
        return {}
    ids = [claim.claim_id for claim, _ in asking]
    oldest = min(each.now for _, each in asking) - KEPT_S
    await connection.execute(
        delete(ClaimRow).where(ClaimRow.id.in_(ids), ClaimRow.created_at <= oldest)
    )
    # The first of a batch is taken in this order as well.
    first: dict[str, tuple[Claim, Submission]] = {}
    for claim, each in asking:
        first.setdefault(claim.claim_id, (claim, each))
    dialect = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    await connection.execute(
        dialect(ClaimRow).on_conflict_do_nothing(),
        [
            {
                "id": claim.claim_id,
                "job_id": each.job_id,
                "fingerprint": claim.fingerprint,
                "created_at": each.now,
            }
            for claim, each in first.values()
        ],
    )
    rows = await connection.execute(
        select(ClaimRow.id, ClaimRow.job_id, ClaimRow.fingerprint).where(ClaimRow.id.in_(ids))
    )
    holders = {claim_id: (job_id, fingerprint) for claim_id, job_id, fingerprint in rows}
    known = {}
    for claim, each in asking:
        job_id, fingerprint = holders[claim.claim_id]
        if job_id != each.job_id:
            known[each.job_id] = Known(job_id=job_id, is_same=fingerprint == claim.fingerprint)
    return known


async def _unclaim(connection: AsyncConnection, refused: Sequence[Submission]) -> None:
    """Let go of the keys of refused orders: the same request may come again."""
    jobs = [each.job_id for each in refused if each.claim is not None]
    if jobs:
        await connection.execute(delete(ClaimRow).where(ClaimRow.job_id.in_(jobs)))


async def _lines(connection: AsyncConnection, customers: set[str]) -> Mapping[str, tuple[int, int]]:
    """Return how many orders of each customer wait, and the highest rank of them."""
    rows = await connection.execute(
        select(JobRow.customer, func.count(), func.max(JobRow.rank))
        .where(JobRow.customer.in_(customers), JobRow.state == State.QUEUED)
        .group_by(JobRow.customer)
    )
    return {customer: (count, rank) for customer, count, rank in rows}


async def _serving(connection: AsyncConnection) -> int:
    rank = await connection.scalar(
        select(JobRow.rank)
        .where(JobRow.state == State.QUEUED)
        .order_by(JobRow.priority.desc(), JobRow.rank)
        .limit(1)
    )
    return rank or 0


async def _insert_images(
    connection: AsyncConnection, taken: Sequence[Submission]
) -> dict[str, int]:
    """Insert the images of those that have one; return their numbers by job."""
    with_image = [each for each in taken if each.has_image]
    if not with_image:
        return {}
    ids = await connection.scalars(
        insert(ImageRow).returning(ImageRow.id, sort_by_parameter_order=True),
        [
            {
                "prompt": each.order.prompt,
                "product_id": each.order.product_id,
                "size": str(each.order.size),
                "status": "pendente",
                "provider": each.provider[:64],
                "created_at": each.now,
            }
            for each in with_image
        ],
    )
    return {each.job_id: image_id for each, image_id in zip(with_image, ids, strict=True)}


def _row(each: Submission, image_id: int | None, rank: int, period: str) -> dict[str, object]:
    job = Job(
        job_id=each.job_id,
        available_at=each.now,
        deadline_at=each.deadline_at,
        price=each.price,
        reserved=each.price,
    )
    return life_of(job) | {
        "id": each.job_id,
        "customer": each.customer,
        "order": write_order(each.order),
        "image_id": image_id,
        "wants_partials": each.wants_partials,
        "traceparent": each.traceparent,
        "request_id": each.request_id,
        "created_at": each.now,
        "priority": each.priority,
        "rank": rank,
        "period": period,
    }
