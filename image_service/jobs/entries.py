"""A job as the table holds it, and back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Row, Select, and_, select

from image_service.contract import Order
from image_service.jobs.rows import AttemptRow, JobRow
from image_service.jobs.states import Attempt, Job, State
from image_service.jobs.wording import read_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A job, and what about it never changes.

    Attributes:
        job: Its life.
        customer: Who ordered, as ``customers.customer_of`` names him.
        order: What was ordered.
        image_id: The image of the shop that shows the picture; None when none does.
        wants_partials: Whether pictures on the way are asked for.
        traceparent: Of the request that ordered.
        request_id: The name of that request; None when it had none.
        created_at: When it was taken.
        priority: The higher goes first.
        rank: Among the same priority, the lower goes first.
        period: Of the budget that it is counted in.
    """

    job: Job
    customer: str
    order: Order
    image_id: int | None
    wants_partials: bool
    traceparent: str | None
    request_id: str | None
    created_at: float
    priority: int
    rank: int
    period: str


_LIFE = [
    "state",
    "version",
    "available_at",
    "deadline_at",
    "fence",
    "owner",
    "lease_until",
    "is_cancel_asked",
    "progress",
    "attempts",
    "price",
    "reserved",
    "cost",
    "started_at",
    "finished_at",
    "sha256",
    "painted_by",
    "failure",
    "retry_after_s",
    "provider_s",
    "store_s",
]
_LAST_ATTEMPT = and_(AttemptRow.job_id == JobRow.id, AttemptRow.number == JobRow.attempts)


def select_entries() -> Select[tuple[object, ...]]:
    """Select what ``read_entry`` reads; to be narrowed down."""
    return select(
        JobRow.__table__,
        AttemptRow.state.label("attempt_state"),
        AttemptRow.reserved.label("attempt_reserved"),
        AttemptRow.cost.label("attempt_cost"),
        AttemptRow.failure.label("attempt_failure"),
    ).outerjoin(AttemptRow, _LAST_ATTEMPT)


def read_entry(row: Row[tuple[object, ...]]) -> Entry:
    """Read a row of ``select_entries``."""
    attempt = None
    if row.attempt_state is not None:
        attempt = Attempt(
            number=row.attempts,
            state=row.attempt_state,
            reserved=row.attempt_reserved,
            cost=row.attempt_cost,
            failure=row.attempt_failure,
        )
    life = {name: getattr(row, name) for name in _LIFE}
    life["state"] = State(row.state)
    return Entry(
        job=Job(job_id=row.id, attempt=attempt, **life),
        customer=row.customer,
        order=read_order(row.order),
        image_id=row.image_id,
        wants_partials=row.wants_partials,
        traceparent=row.traceparent,
        request_id=row.request_id,
        created_at=row.created_at,
        priority=row.priority,
        rank=row.rank,
        period=row.period,
    )


def life_of(job: Job) -> dict[str, object]:
    """Return the columns that change, by name."""
    life: dict[str, object] = {name: getattr(job, name) for name in _LIFE}
    life["state"] = str(job.state)
    return life
