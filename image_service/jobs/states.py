"""The life of a job, decided purely: every function is handed ``now`` and returns the next job.

::

    queued --claim--> running --succeed----------> succeeded
      ^  |               |  '--spool--unspool----> succeeded
      |  |               |--fail, interrupt------> failed, canceled, expired
      |  |               '--fail, interrupt--.
      |  '--cancel, expire--> canceled, expired
      '--------------- nothing was bought ---'

Two rules carry the money. A call is on record as ``calling`` before it is made. And after a call
whose outcome is ``bought`` or ``unknown`` there is never another: a worker that dies in the middle
of a call that costs something leaves a job that whoever takes it over ends, and does not repeat.

A job whose picture is bought, and not taken by the blob store, is *spooled*: running and paid for,
but in nobody's hands. Whoever brings the picture into the store ends it.

A worker holds a job by a lease and by its ``fence``, a number that grows with every claim: what a
worker says under an old fence is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from image_service.providers.usage import Outcome


class State(StrEnum):
    """Where a job is; the last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELED, State.EXPIRED})

OUTCOME_UNKNOWN = "outcome-unknown"
"""The failure of a job whose call was broken off on our side."""

# Kinds of failure that pass by themselves; any other comes again, or is a matter for people.
_PASSING = frozenset({"provider-rate-limited", "provider-unavailable"})
# Waits longer than this are the customer's to decide about.
_LONGEST_WAIT_S = 120.0
# An order that so many workers did not survive is what kills them.
_MOST_DEATHS = 10
# Doubled with each attempt, and shortened by up to a half, so that many do not come back at once.
_FIRST_WAIT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call to a provider.

    Attributes:
        number: 1 for the first of its job.
        state: ``calling`` until it is known what became of the money.
        reserved: The most that it can cost; 0 for a provider that is free.
        cost: What it cost, or is counted as: after ``unknown`` all that was reserved.
        failure: Why no picture came of it; None when one did, and while calling.
    """

    number: int
    state: Literal["calling"] | Outcome
    reserved: int
    cost: int = 0
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One order on its way.

    Attributes:
        version: Grows with every change that a customer can see.
        available_at: Before this it is not begun.
        deadline_at: When the customer has no more use for it; None for never.
        fence: How often it was claimed; proves who holds it.
        owner: The worker that holds it; None when nobody does.
        lease_until: When the owner counts as dead; None when nobody holds it.
        is_cancel_asked: Whether its worker is to break off.
        progress: From 0 to 1.
        attempts: How many calls were begun.
        attempt: The last of them; None before the first.
        price: What one call may cost at most.
        reserved: What of its customer's budget it still holds back.
        cost: What its calls have cost so far.
        sha256: Its picture; None until it has succeeded.
        painted_by: The provider that painted it; None until it has.
        failure: Why there is no picture: a code of ``image_service.problems``.
        retry_after_s: How long a provider that failed asked to be left alone, if it did.
        provider_s: How long its calls have taken.
        store_s: How long its picture took until the blob store had it.
    """

    job_id: str
    state: State = State.QUEUED
    version: int = 1
    available_at: float = 0.0
    deadline_at: float | None = None
    fence: int = 0
    owner: str | None = None
    lease_until: float | None = None
    is_cancel_asked: bool = False
    progress: float = 0.0
    attempts: int = 0
    attempt: Attempt | None = None
    price: int = 0
    reserved: int = 0
    cost: int = 0
    started_at: float | None = None
    finished_at: float | None = None
    sha256: str | None = None
    painted_by: str | None = None
    failure: str | None = None
    retry_after_s: float | None = None
    provider_s: float = 0.0
    store_s: float = 0.0

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in FINAL

    @property
    def is_spooled(self) -> bool:
        """Whether its picture is bought and waits for the blob store."""
        is_bought = self.attempt is not None and self.attempt.state == "bought"
        return self.state is State.RUNNING and is_bought


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a call brought no picture.

    Attributes:
        kind: A code of ``image_service.problems``.
        outcome: What became of the money.
        cost: What it cost, if that is known; None counts what was reserved if it was bought.
        retry_after_s: How long the provider asks to be left alone; None when it does not say.
    """

    kind: str
    outcome: Outcome
    cost: int | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What came of a call that succeeded; ``cost`` is 0 for what is free."""

    sha256: str
    painted_by: str
    cost: int


class StaleError(Exception):
    """The job is not in this worker's hands: it was taken over, or is finished."""


class FinishedError(Exception):
    """The job is finished; it cannot be canceled any more."""


def claim(job: Job, *, owner: str, lease_until: float, now: float, price: int | None = None) -> Job:
    """Take a job whose turn has come: ``running`` with a new call on record, or ``expired``.

    ``price`` is what the worker's own provider may take at most, which counts where it is more than
    what the order was taken for: those who take orders may have other settings. None is the same.

    Raises:
        StaleError: It is not to be had.
    """
    if job.state is not State.QUEUED or job.available_at > now:
        raise StaleError
    if _is_past(job.deadline_at, now):
        return _end(job, State.EXPIRED, now, failure="expired")
    number = job.attempts + 1
    job = _reprice(job, job.price if price is None else price)
    return replace(
        job,
        state=State.RUNNING,
        version=job.version + 1,
        fence=job.fence + 1,
        owner=owner,
        lease_until=lease_until,
        attempts=number,
        attempt=Attempt(number=number, state="calling", reserved=job.price),
        started_at=job.started_at or now,
    )


def succeed(job: Job, fence: int, picture: Picture, *, now: float) -> Job:
    """Record the picture, also when somebody asked to cancel: it is there and paid for.

    Raises:
        StaleError: The worker does not hold the job.
    """
    attempt = _held(job, fence)
    job = _settle(job, replace(attempt, state="bought", cost=picture.cost))
    job = replace(job, sha256=picture.sha256, painted_by=picture.painted_by, progress=1.0)
    return _end(job, State.SUCCEEDED, now)


def spool(job: Job, fence: int, *, painted_by: str, cost: int) -> Job:
    """Settle the call for a picture that is there and cannot be kept yet; nobody calls again.

    Raises:
        StaleError: The worker does not hold the job.
    """
    attempt = _held(job, fence)
    job = _settle(job, replace(attempt, state="bought", cost=cost))
    return replace(job, version=job.version + 1, painted_by=painted_by, reserved=0)


def timed(job: Job, *, provider_s: float = 0.0, store_s: float = 0.0) -> Job:
    """Add to what the job's calls have taken, and the store; clocks that go back count for none."""
    took = (job.provider_s + max(provider_s, 0.0), job.store_s + max(store_s, 0.0))
    return replace(job, provider_s=took[0], store_s=took[1])


def unspool(job: Job, sha256: str, *, now: float) -> Job:
    """Record that the store has taken the picture at last: paid for, so no cancel counts any more.

    Raises:
        StaleError: No picture of this job waits.
    """
    if not job.is_spooled:
        raise StaleError
    return _end(replace(job, sha256=sha256, progress=1.0), State.SUCCEEDED, now)


def fail(
    job: Job, fence: int, failure: Failure, *, now: float, most_attempts: int, draw: float
) -> Job:
    """Record that no picture came: the job is queued again, or has failed.

    It is queued again only where nothing was bought, the reason passes by itself, and there is
    time. ``draw`` is in [0, 1).

    Raises:
        StaleError: The worker does not hold the job.
    """
    attempt = _held(job, fence)
    job = _settle(job, _judged(attempt, failure))
    if job.is_cancel_asked:
        return _end(job, State.CANCELED, now, failure="canceled")
    wait_s = _wait_s(job.attempts, failure.retry_after_s, draw)
    may_repeat = (
        failure.outcome == "not_bought"
        and failure.kind in _PASSING
        and job.attempts < most_attempts
        and wait_s <= _LONGEST_WAIT_S
        and not _is_past(job.deadline_at, now + wait_s)
    )
    if may_repeat:
        return _requeue(job, now + wait_s)
    return replace(
        _end(job, State.FAILED, now, failure=failure.kind), retry_after_s=failure.retry_after_s
    )


def interrupt(job: Job, fence: int, *, now: float) -> Job:
    """Settle a call that was broken off on our side: by a cancel, a deadline, a stop or a death.

    Raises:
        StaleError: The worker does not hold the job.
    """
    attempt = _held(job, fence)
    is_free = attempt.reserved == 0
    outcome: Outcome = "not_bought" if is_free else "unknown"
    job = _settle(job, _judged(attempt, Failure(kind="interrupted", outcome=outcome)))
    if job.is_cancel_asked:
        return _end(job, State.CANCELED, now, failure="canceled")
    if _is_past(job.deadline_at, now):
        return _end(job, State.EXPIRED, now, failure="expired")
    if not is_free:
        return _end(job, State.FAILED, now, failure=OUTCOME_UNKNOWN)
    if job.attempts >= _MOST_DEATHS:
        return _end(job, State.FAILED, now, failure="internal")
    return _requeue(job, now)


def take_over(job: Job, *, now: float) -> Job:
    """Settle what a dead worker left behind; who is dead has let the lease run out.

    Raises:
        StaleError: Its worker is alive, or there is none.
    """
    if job.state is not State.RUNNING or job.lease_until is None or job.lease_until > now:
        raise StaleError
    return interrupt(job, job.fence, now=now)


def extend(job: Job, fence: int, *, lease_until: float) -> Job:
    """Say that the worker is alive.

    Raises:
        StaleError: The worker does not hold the job.
    """
    _held(job, fence)
    return replace(job, lease_until=lease_until)


def report(job: Job, fence: int, *, progress: float) -> Job:
    """Record how far the picture is; it never goes back.

    Raises:
        StaleError: The worker does not hold the job.
    """
    _held(job, fence)
    return replace(job, version=job.version + 1, progress=max(job.progress, min(progress, 1.0)))


def cancel(job: Job, *, now: float) -> Job:
    """Cancel a queued job, or ask the worker of a running one to break off.

    Raises:
        FinishedError: It is too late.
    """
    if job.is_final:
        raise FinishedError
    if job.state is State.QUEUED:
        return _end(job, State.CANCELED, now, failure="canceled")
    if job.is_cancel_asked:
        return job
    return replace(job, is_cancel_asked=True, version=job.version + 1)


def expire(job: Job, *, now: float) -> Job:
    """End a queued job whose deadline has passed; any other stays as it is."""
    if job.state is State.QUEUED and _is_past(job.deadline_at, now):
        return _end(job, State.EXPIRED, now, failure="expired")
    return job


def refuse(job: Job, *, failure: str, now: float, retry_after_s: float | None = None) -> Job:
    """End a queued job that is not begun for want of money or a provider; others stay."""
    if job.state is not State.QUEUED:
        return job
    return replace(_end(job, State.FAILED, now, failure=failure), retry_after_s=retry_after_s)


def _reprice(job: Job, price: int) -> Job:
    more = max(price - job.price, 0)
    return replace(job, price=job.price + more, reserved=job.reserved + more)


def _held(job: Job, fence: int) -> Attempt:
    is_held = job.state is State.RUNNING and job.fence == fence
    if not is_held or job.attempt is None or job.attempt.state != "calling":
        raise StaleError
    return job.attempt


def _judged(attempt: Attempt, failure: Failure) -> Attempt:
    """Count what may have been bought at its full price, unless it is known what it cost."""
    cost = 0
    if failure.outcome != "not_bought":
        cost = attempt.reserved if failure.cost is None else failure.cost
    return replace(attempt, state=failure.outcome, cost=cost, failure=failure.kind)


def _settle(job: Job, attempt: Attempt) -> Job:
    return replace(job, attempt=attempt, cost=job.cost + attempt.cost, owner=None, lease_until=None)


def _requeue(job: Job, available_at: float) -> Job:
    return replace(job, state=State.QUEUED, version=job.version + 1, available_at=available_at)


def _end(job: Job, state: State, now: float, *, failure: str | None = None) -> Job:
    return replace(
        job,
        state=state,
        version=job.version + 1,
        failure=failure,
        finished_at=now,
        owner=None,
        lease_until=None,
        reserved=0,
    )


def _is_past(deadline_at: float | None, now: float) -> bool:
    return deadline_at is not None and deadline_at <= now


def _wait_s(attempts: int, asked_s: float | None, draw: float) -> float:
    own_s = float(_FIRST_WAIT_S * 2 ** min(attempts - 1, 10)) * (1 - draw / 2)
    return own_s if asked_s is None else max(own_s, asked_s)
