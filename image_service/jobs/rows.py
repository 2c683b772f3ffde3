"""The tables of jobs. Times are seconds since 1970, UTC; money is in millionths of a dollar."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Double, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from image_service.models import Base

JOB_ID_CHARACTERS = 36
CUSTOMER_CHARACTERS = 80
PROVIDER_CHARACTERS = 200


class JobRow(Base):
    """One job; ``image_service.jobs.states.Job`` says what its columns mean."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(JOB_ID_CHARACTERS), primary_key=True)
    customer: Mapped[str] = mapped_column(String(CUSTOMER_CHARACTERS))
    # What was ordered, as JSON; see image_service.jobs.wording.
    order: Mapped[str] = mapped_column(Text)
    # None for a picture that belongs to no image of the shop.
    image_id: Mapped[int | None] = mapped_column(BigInteger)
    wants_partials: Mapped[bool] = mapped_column(Boolean)
    traceparent: Mapped[str | None] = mapped_column(String(80))
    request_id: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[float] = mapped_column(Double)
    # Who comes first: the higher priority, then the lower rank, then the lower id.
    priority: Mapped[int] = mapped_column(Integer)
    rank: Mapped[int] = mapped_column(BigInteger)

    state: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column(Integer)
    available_at: Mapped[float] = mapped_column(Double)
    deadline_at: Mapped[float | None] = mapped_column(Double)
    fence: Mapped[int] = mapped_column(Integer)
    owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[float | None] = mapped_column(Double)
    is_cancel_asked: Mapped[bool] = mapped_column(Boolean)
    progress: Mapped[float] = mapped_column(Double)
    attempts: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[float | None] = mapped_column(Double)
    finished_at: Mapped[float | None] = mapped_column(Double)
    sha256: Mapped[str | None] = mapped_column(String(64))
    painted_by: Mapped[str | None] = mapped_column(String(64))
    failure: Mapped[str | None] = mapped_column(String(32))
    retry_after_s: Mapped[float | None] = mapped_column(Double)
    provider_s: Mapped[float] = mapped_column(Double, server_default="0")
    store_s: Mapped[float] = mapped_column(Double, server_default="0")
    # The period of the budget that the order was counted in, and what it still holds back there.
    period: Mapped[str] = mapped_column(String(10))
    price: Mapped[int] = mapped_column(BigInteger)
    reserved: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        Index("jobs_next", "state", priority.desc(), "rank", "id"),
        Index("jobs_of_customer", "customer", "state", "rank"),
        Index("jobs_of_image", "image_id"),
        Index("jobs_finished", "finished_at"),
        Index("jobs_deadline", "deadline_at"),
    )


class AttemptRow(Base):
    """One call to a provider, written before the call is made; never deleted with its job.

    ``state`` is ``calling`` until it is known what became of the money: ``bought``,
    ``not_bought`` or ``unknown``.
    """

    __tablename__ = "attempts"

    job_id: Mapped[str] = mapped_column(String(JOB_ID_CHARACTERS), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer: Mapped[str] = mapped_column(String(CUSTOMER_CHARACTERS))
    provider: Mapped[str] = mapped_column(String(PROVIDER_CHARACTERS))
    state: Mapped[str] = mapped_column(String(16))
    reserved: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[int] = mapped_column(BigInteger)
    failure: Mapped[str | None] = mapped_column(String(32))
    input_text_tokens: Mapped[int | None] = mapped_column(BigInteger)
    input_image_tokens: Mapped[int | None] = mapped_column(BigInteger)
    output_tokens: Mapped[int | None] = mapped_column(BigInteger)
    started_at: Mapped[float] = mapped_column(Double)
    settled_at: Mapped[float | None] = mapped_column(Double)

    __table_args__ = (Index("attempts_started", "started_at"),)


class EventRow(Base):
    """What happened to a job; ``number`` is the job's version after it.

    ``sha256`` is the picture on the way that it tells of, which is kept for as long as the event.
    """

    __tablename__ = "job_events"

    job_id: Mapped[str] = mapped_column(String(JOB_ID_CHARACTERS), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    data: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (Index("job_events_picture", "sha256"),)


class ClaimRow(Base):
    """An Idempotency-Key that a customer has used; ``id`` is a hash of both."""

    __tablename__ = "idempotency_claims"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    job_id: Mapped[str] = mapped_column(String(JOB_ID_CHARACTERS))
    fingerprint: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[float] = mapped_column(Double)

    __table_args__ = (Index("idempotency_claims_created", "created_at"),)


class SpooledRow(Base):
    """A picture that is paid for and waits for the blob store; its job is running meanwhile."""

    __tablename__ = "spooled_pictures"

    job_id: Mapped[str] = mapped_column(String(JOB_ID_CHARACTERS), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    # What the provider sent, where the picture had to be made from it.
    original: Mapped[bytes | None] = mapped_column(LargeBinary)
    provider: Mapped[str] = mapped_column(String(PROVIDER_CHARACTERS))
    spooled_at: Mapped[float] = mapped_column(Double)
    # The next try, and how many there were.
    due_at: Mapped[float] = mapped_column(Double)
    tries: Mapped[int] = mapped_column(Integer)

    __table_args__ = (Index("spooled_pictures_due", "due_at"),)


class RestRow(Base):
    """A provider that is left alone until then."""

    __tablename__ = "rests"

    provider: Mapped[str] = mapped_column(String(PROVIDER_CHARACTERS), primary_key=True)
    until: Mapped[float] = mapped_column(Double)
