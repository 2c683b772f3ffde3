"""The seam between this surface and the jobs that carry orders out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select

from image_service.contract import Order
from image_service.database import Database
from image_service.jobs.entries import Entry
from image_service.jobs.idempotency import claim_of
from image_service.jobs.reading import Reading
from image_service.jobs.rows import AttemptRow
from image_service.jobs.states import State
from image_service.jobs.timing import Timing, timing_of
from image_service.openai_api.failing import NotMadeError
from image_service.orders import Orders, Receipt, Wish
from image_service.problems import ProblemError
from image_service.providers.usage import Outcome, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture on the way, which the store holds; no ``index`` comes twice."""

    index: int
    sha256: str


Deliver = Callable[[Shown], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One picture of a request.

    Attributes:
        order: What it shows.
        body: The request's body, which a repetition under the same key must equal.
        key: Its Idempotency-Key, told apart by picture; None for none.
        customer: Who asks, as ``jobs.customers.customer_of`` names him.
        traceparent: Of the request.
        request_id: Its name.
        wants_address: Whether it becomes an image of the shop, which has an address.
        on_partial: Takes pictures on the way; None for none.
    """

    order: Order
    body: bytes
    key: str | None
    customer: str
    traceparent: str | None
    request_id: str | None
    wants_address: bool
    on_partial: Deliver | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A picture that the store holds.

    Attributes:
        sha256: Its name there: PNG, exactly as ordered.
        path: Where it can be fetched from this service; empty where no address was wanted.
        provider: Who painted it.
        usage: What it used; None when nobody counts.
        timing: How long that took.
        is_replay: Whether it was made for an earlier request with the same key.
    """

    sha256: str
    path: str
    provider: str
    usage: Usage | None
    timing: Timing
    is_replay: bool = False


class Maker(Protocol):
    """Has pictures made and waits for them."""

    async def make(self, ask: Ask) -> Made:
        """Return the picture; an order once taken is carried out though the caller leave.

        Raises:
            NotMadeError: There is none.
        """

    async def make_all(self, asks: Sequence[Ask]) -> list[Made | BaseException]:
        """Return what became of each picture of a request.

        The first is ordered before the others are: when it is refused, because its key belongs to
        another request for example, none of them is bought.

        Raises:
            NotMadeError: The first is refused.
        """


class JobsMaker:
    """Orders a job and follows it. A second request with the same key follows the first's job."""

    def __init__(self, *, orders: Orders, reading: Reading, database: Database) -> None:
        self._orders = orders
        self._reading = reading
        self._database = database

    async def make(self, ask: Ask) -> Made:
        """Order, and wait until the picture is kept."""
        return await self._finish(ask, await self._order(ask))

    async def make_all(self, asks: Sequence[Ask]) -> list[Made | BaseException]:
        """Order one, then the others, and wait for all."""
        first, *others = asks
        receipt = await self._order(first)
        return await asyncio.gather(
            self._finish(first, receipt),
            *(self.make(each) for each in others),
            return_exceptions=True,
        )

    async def _order(self, ask: Ask) -> Receipt:
        try:
            return await self._orders.submit(_wish(ask))
        except ProblemError as error:
            problem = error.problem
            raise NotMadeError(
                problem.code, outcome="not_bought", retry_after_s=problem.retry_after_s
            ) from error

    async def _finish(self, ask: Ask, receipt: Receipt) -> Made:
        entry = await self._follow(receipt.job_id, ask.on_partial)
        if entry.job.state is not State.SUCCEEDED or entry.job.sha256 is None:
            raise _failure(entry)
        return Made(
            sha256=entry.job.sha256,
            path="" if entry.image_id is None else f"/images/{entry.image_id}/file",
            provider=entry.job.painted_by or "",
            usage=await self._usage(entry),
            timing=timing_of(entry),
            is_replay=receipt.is_replay,
        )

    async def _follow(self, job_id: str, deliver: Deliver | None) -> Entry:
        """Wait until the job is finished, or the service stops."""
        version = seen = 1
        while True:
            after = 0 if deliver is None else version
            entry = await self._orders.wait(job_id, after=after, gives_up=True, timeout_s=None)
            if entry is None:
                raise NotMadeError("internal", outcome="unknown")
            if self._orders.is_in_vain(entry):
                # It is not begun, and is taken back, or was begun in this moment.
                entry = await self._orders.withdraw(job_id) or entry
                if not entry.job.is_final:
                    continue
            if deliver is not None:
                seen = await self._deliver(job_id, seen, deliver)
            if entry.job.is_final or entry.job.version <= version:
                # Without news only the service's end wakes who waits. The order is kept.
                return entry
            version = entry.job.version

    async def _deliver(self, job_id: str, seen: int, deliver: Deliver) -> int:
        """Hand on the pictures that came since; return the number of the last event."""
        for event in await self._reading.events(job_id, after=seen):
            seen = event.number
            if event.kind == "partial_image":
                told = json.loads(event.data)
                sha256 = str(told["url"]).rpartition("/")[2]
                await deliver(Shown(index=int(told["index"]), sha256=sha256))
        return seen

    async def _usage(self, entry: Entry) -> Usage | None:
        """Return what the job's last call used."""
        statement = select(
            AttemptRow.input_text_tokens, AttemptRow.input_image_tokens, AttemptRow.output_tokens
        ).where(AttemptRow.job_id == entry.job.job_id, AttemptRow.number == entry.job.attempts)
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None or row.input_text_tokens is None or row.output_tokens is None:
            return None
        return Usage(
            input_text_tokens=row.input_text_tokens,
            input_image_tokens=row.input_image_tokens or 0,
            output_tokens=row.output_tokens,
        )


def _wish(ask: Ask) -> Wish:
    claim = None
    if ask.key is not None:
        asked = b"POST /v1/images/generations\n" + ask.body
        claim = claim_of(customer=ask.customer, key=ask.key, request=asked)
    return Wish(
        order=ask.order,
        customer=ask.customer,
        claim=claim,
        has_image=ask.wants_address,
        wants_partials=ask.on_partial is not None,
        traceparent=ask.traceparent,
        request_id=ask.request_id,
        is_held=True,
    )


def _failure(entry: Entry) -> NotMadeError:
    """Say why a job has no picture, or not yet."""
    job = entry.job
    if not job.is_final:
        return NotMadeError("stopping", outcome="unknown")
    outcome: Outcome = "not_bought"
    if job.attempt is not None:
        outcome = "unknown" if job.attempt.state == "calling" else job.attempt.state
    return NotMadeError(job.failure or "internal", outcome=outcome, retry_after_s=job.retry_after_s)
