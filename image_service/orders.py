"""Orders: what every surface calls to have a picture made."""

from __future__ import annotations

import asyncio
import functools
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import delete

from image_service.contract import Order
from image_service.jobs import states
from image_service.jobs.accepting import Acceptance, Answer, Known, Resting, Submission, Taken
from image_service.jobs.admission import Full, retry_after_s
from image_service.jobs.documents import Pause, pause_of
from image_service.jobs.entries import Entry, read_entry, select_entries
from image_service.jobs.idempotency import Claim
from image_service.jobs.identity import job_id
from image_service.jobs.journal import Change, Journal, Note
from image_service.jobs.reading import Reading
from image_service.jobs.rests import Rests
from image_service.jobs.rows import ClaimRow, JobRow
from image_service.jobs.states import FinishedError
from image_service.jobs.watch import Watch
from image_service.ledger.budgets import Budgets, Exceeded, ends_in_s
from image_service.ledger.prices import MICRO, Prices
from image_service.models import ImageRow
from image_service.problems import Problem, ProblemError
from image_service.writer import Writer

_NOISE_BITS = 80
# What is told about the time that an order takes, before any has been measured.
_USUAL_S = 10.0
# When to look again at an order that is being made.
RETRY_AFTER_S = 2
# So long somebody who waits for the picture waits for a provider that rests: less than a picture
# takes, and than a gateway in between has patience.
HELD_S = 10.0
_RESTS = "The provider fails, and is left alone for a while."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order and its circumstances.

    Attributes:
        order: What.
        customer: Who, as ``jobs.customers.customer_of`` names him.
        claim: Its Idempotency-Key; None when it has none.
        has_image: Whether it becomes an image of the shop.
        priority: The higher goes first, from -7 to 7.
        cancel_after_s: After so long the customer has no more use for it; None for never.
        wants_partials: Whether pictures on the way are asked for.
        traceparent: The request's; None when it has none.
        request_id: The request's name; None when it has none.
        is_held: Whether somebody waits for the picture who knows of no jobs: no such order is taken
            while the provider rests for long.
    """

    order: Order
    customer: str
    claim: Claim | None = None
    has_image: bool = True
    priority: int = 0
    cancel_after_s: float | None = None
    wants_partials: bool = False
    traceparent: str | None = None
    request_id: str | None = None
    is_held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The order is on record.

    Attributes:
        job_id: What to ask for.
        image_id: Its number in the shop; None for a replay, or when it has none.
        is_replay: Whether it was there before, under the same Idempotency-Key.
    """

    job_id: str
    image_id: int | None
    is_replay: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What orders are taken on.

    Attributes:
        rests: Whether who is asked is left alone at present.
        provider: Who is asked.
        prices: What it costs.
        budgets: Who may spend how much.
        concurrency: How many pictures are made at once.
        deadline_s: After so long an order expires that does not say itself; None for never.
    """

    rests: Rests
    provider: str
    prices: Prices
    budgets: Budgets
    concurrency: int
    deadline_s: float | None = None


class Orders:
    """Takes orders, lets callers wait for them, cancels them."""

    def __init__(
        self,
        *,
        acceptance: Acceptance,
        writer: Writer,
        journal: Journal,
        reading: Reading,
        watch: Watch,
        terms: Terms,
        clock: Callable[[], float],
    ) -> None:
        self._acceptance = acceptance
        self._writer = writer
        self._journal = journal
        self._reading = reading
        self._watch = watch
        self._rests = terms.rests
        self._terms = terms
        self._clock = clock

    async def submit(self, wish: Wish) -> Receipt:
        """Put an order on record; it is carried out from then on, whatever becomes of us.

        Raises:
            ProblemError: It is refused: no room, no budget, a key used for something else.
        """
        submission = self.submission(wish)
        answer = await self._acceptance.submit(submission)
        match answer:
            case Taken():
                return Receipt(job_id=answer.job_id, image_id=answer.image_id, is_replay=False)
            case Known(is_same=True):
                return Receipt(job_id=answer.job_id, image_id=None, is_replay=True)
            case _:
                raise ProblemError(self.refusal(answer, submission))

    def submission(self, wish: Wish) -> Submission:
        """Price an order and give it a name."""
        now = self._clock()
        after_s = self._terms.deadline_s if wish.cancel_after_s is None else wish.cancel_after_s
        return Submission(
            job_id=job_id(now=now, noise=secrets.randbits(_NOISE_BITS)),
            now=now,
            customer=wish.customer,
            order=wish.order,
            provider=self._terms.provider,
            price=self._terms.prices.most(
                self._terms.provider, wish.order, with_partials=wish.wants_partials
            ),
            has_image=wish.has_image,
            priority=wish.priority,
            deadline_at=None if after_s is None else now + after_s,
            wants_partials=wish.wants_partials,
            traceparent=wish.traceparent,
            request_id=wish.request_id,
            claim=wish.claim,
            rests_s=self._in_vain_s(after_s, is_held=wish.is_held),
        )

    def _in_vain_s(self, patience_s: float | None, *, is_held: bool) -> float | None:
        """Return how long the provider rests, if that is longer than the order can wait."""
        left_s = self._rests.left_s
        is_too_late = patience_s is not None and left_s >= patience_s
        is_too_long = is_held and left_s > HELD_S
        return left_s if left_s > 0 and (is_too_late or is_too_long) else None

    def pause(self, entry: Entry) -> Pause | None:
        """Return why a job is not begun; None when it is, or only waits for its turn."""
        return pause_of(entry, rests_until=self._rests.until, now=self._clock())

    def retry_after_s(self, pause: Pause | None) -> int:
        """Return when to look again at a job that is not finished."""
        return RETRY_AFTER_S if pause is None else max(pause.left_s(self._clock()), RETRY_AFTER_S)

    def refusal(self, answer: Answer, submission: Submission) -> Problem:
        """Put into words why an order is not taken."""
        match answer:
            case Full():
                wait_s = retry_after_s(
                    answer.waiting, concurrency=self._terms.concurrency, usual_s=_USUAL_S
                )
                detail = f"{answer.waiting} orders wait."
                return Problem(code=answer.code, detail=detail, retry_after_s=wait_s)
            case Resting():
                wait_s = max(math.ceil(answer.for_s), 1)
                return Problem(code="provider-unavailable", detail=_RESTS, retry_after_s=wait_s)
            case Exceeded():
                code = "global-budget-exceeded" if answer.is_global else "budget-exceeded"
                more: dict[str, object] = {"price_usd": submission.price / MICRO}
                if not answer.is_global:
                    more["left_usd"] = answer.left / MICRO
                period = self._terms.budgets.period
                return Problem(
                    code=code,
                    detail=f"The budget of this {period} (UTC) does not allow for this order.",
                    retry_after_s=ends_in_s(submission.now, period),
                    more=more,
                )
            case _:
                return Problem(code="idempotency-mismatch")

    async def wait(
        self,
        name: str,
        *,
        after: int = 0,
        is_new: bool = False,
        gives_up: bool = False,
        timeout_s: float | None,
    ) -> Entry | None:
        """Return a job once it is finished or the time is over; None when there is none.

        Args:
            name: The job.
            after: With a version, return as soon as the job has a higher one; 0 waits for the end.
            is_new: The job was taken a moment ago: there is nothing to look up yet.
            gives_up: Return also when the provider rests for longer than the time that is left, or
                than ``HELD_S``, and the job is not begun.
            timeout_s: How long to wait; None for as long as it takes, or the service runs.
        """
        # Patience is counted by a clock that nobody sets.
        time_s = asyncio.get_running_loop().time
        deadline = None if timeout_s is None else time_s() + timeout_s
        is_new = is_new and not (gives_up and self._rests.left_s > 0)
        entry = None if is_new else await self._reading.job(name)
        while is_new or (entry is not None and not self._is_over(entry, after)):
            left_s = None if deadline is None else deadline - time_s()
            if left_s is not None and left_s <= 0:
                break
            if gives_up and entry is not None and self.is_in_vain(entry, left_s):
                break
            version = 1 if entry is None else entry.job.version
            is_new = False
            changed = await self._watch.changed(name, after=version, timeout_s=left_s)
            entry = changed or await self._reading.job(name)
        return await self._reading.job(name) if is_new else entry

    def is_in_vain(self, entry: Entry, left_s: float | None = None) -> bool:
        """Whether the provider rests for longer than somebody waits for a job not yet begun."""
        rests_s = self._rests.left_s
        patience_s = HELD_S if left_s is None else min(left_s, HELD_S)
        return entry.job.state is states.State.QUEUED and rests_s > patience_s

    async def withdraw(self, name: str) -> Entry | None:
        """Take an order back that is not begun as the provider rests: it may be placed again.

        Returns:
            The job as it is then: ``failed``, or as it was if it has been begun; None when there
            is none.
        """
        rests_s = self._rests.left_s

        async def write(connection: AsyncConnection) -> Entry | None:
            now = self._clock()
            decide = functools.partial(
                states.refuse, failure="provider-unavailable", now=now, retry_after_s=rests_s
            )
            entry = await self._journal.change(connection, name, decide, Note(provider=""), now=now)
            if entry is not None and entry.job.failure == "provider-unavailable":
                # The order was not carried out: its key is free for the next try.
                await connection.execute(delete(ClaimRow).where(ClaimRow.job_id == name))
            return entry

        entry = await self._writer.write(write)
        if entry is not None:
            self._watch.publish(entry)
        return entry

    def _is_over(self, entry: Entry, after: int) -> bool:
        return (
            entry.job.is_final or self._watch.is_closed or (after > 0 and entry.job.version > after)
        )

    async def remove_image(self, image_id: int) -> bool:
        """Delete an image, and cancel its order if that waits; False when there is no image."""
        now = self._clock()

        async def write(connection: AsyncConnection) -> tuple[bool, list[Entry]]:
            result = await connection.execute(delete(ImageRow).where(ImageRow.id == image_id))
            if result.rowcount == 0:
                return False, []
            rows = await connection.execute(
                select_entries()
                .where(JobRow.image_id == image_id, JobRow.state == states.State.QUEUED)
                .with_for_update(of=JobRow)
            )
            entries = [read_entry(row) for row in rows]
            changes = [
                Change(
                    before=entry,
                    after=replace(states.cancel(entry.job, now=now), failure="gone"),
                    note=Note(provider=""),
                )
                for entry in entries
            ]
            return True, await self._journal.write(connection, changes, now=now)

        was_there, canceled = await self._writer.write(write)
        for entry in canceled:
            self._watch.publish(entry)
        return was_there

    async def cancel(self, name: str) -> Entry | None:
        """Cancel a job; None when there is none. It may be ``running`` for a moment longer.

        Raises:
            FinishedError: It is too late.
        """
        now = self._clock()

        async def write(connection: AsyncConnection) -> Entry | FinishedError | None:
            decide = functools.partial(states.cancel, now=now)
            try:
                return await self._journal.change(
                    connection, name, decide, Note(provider=""), now=now
                )
            except FinishedError as error:
                # Raised here, it would undo what others have written beside.
                return error

        result = await self._writer.write(write)
        if isinstance(result, FinishedError):
            raise result
        if result is not None:
            self._watch.publish(result)
            if not result.job.is_final:
                await self._journal.dispatcher.cancel(name)
        return result
