"""Orders become jobs; those that an earlier version left unfinished as well."""

from __future__ import annotations

import json
import re
import time
import uuid

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_JOB_ID = sa.String(36)
_CUSTOMER = sa.String(80)
_ESCAPED = re.compile(r"\\([0\\])")


def upgrade() -> None:
    """Create the tables, and take over the images that are still ``pendente``."""
    jobs = _create_jobs()
    op.create_table(
        "attempts",
        sa.Column("job_id", _JOB_ID, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("customer", _CUSTOMER, nullable=False),
        sa.Column("provider", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("cost", sa.BigInteger, nullable=False),
        sa.Column("failure", sa.String(32)),
        sa.Column("input_text_tokens", sa.BigInteger),
        sa.Column("input_image_tokens", sa.BigInteger),
        sa.Column("output_tokens", sa.BigInteger),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("settled_at", sa.Double),
    )
    op.create_index("attempts_started", "attempts", ["started_at"])
    op.create_table(
        "job_events",
        sa.Column("job_id", _JOB_ID, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_table(
        "idempotency_claims",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("job_id", _JOB_ID, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_index("idempotency_claims_created", "idempotency_claims", ["created_at"])
    op.create_table(
        "accounts",
        sa.Column("period", sa.String(10), primary_key=True),
        sa.Column("customer", _CUSTOMER, primary_key=True),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("spent", sa.BigInteger, nullable=False),
    )
    op.add_column("images", sa.Column("original_sha256", sa.String(64)))
    # The clean-up asks which images show a picture.
    op.create_index("images_of_picture", "images", ["sha256"])
    _take_over(jobs)


def _create_jobs() -> sa.Table:
    jobs = op.create_table(
        "jobs",
        sa.Column("id", _JOB_ID, primary_key=True),
        sa.Column("customer", _CUSTOMER, nullable=False),
        sa.Column("order", sa.Text, nullable=False),
        sa.Column("image_id", sa.BigInteger),
        sa.Column("wants_partials", sa.Boolean, nullable=False),
        sa.Column("traceparent", sa.String(80)),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("rank", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("available_at", sa.Double, nullable=False),
        sa.Column("deadline_at", sa.Double),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(64)),
        sa.Column("lease_until", sa.Double),
        sa.Column("is_cancel_asked", sa.Boolean, nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Double),
        sa.Column("finished_at", sa.Double),
        sa.Column("sha256", sa.String(64)),
        sa.Column("painted_by", sa.String(64)),
        sa.Column("failure", sa.String(32)),
        sa.Column("retry_after_s", sa.Double),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("cost", sa.BigInteger, nullable=False),
    )
    op.create_index("jobs_next", "jobs", ["state", sa.text("priority DESC"), "rank", "id"])
    op.create_index("jobs_of_customer", "jobs", ["customer", "state", "rank"])
    op.create_index("jobs_of_image", "jobs", ["image_id"])
    op.create_index("jobs_finished", "jobs", ["finished_at"])
    op.create_index("jobs_deadline", "jobs", ["deadline_at"])
    return jobs


def _take_over(jobs: sa.Table) -> None:
    """Order the unfinished pictures that cost nothing again; end those that may be paid for.

    The earlier version kept no record of its calls: any of them may have bought its picture.
    """
    images = sa.table(
        "images",
        *(sa.column(name) for name in ("id", "prompt", "product_id", "size", "status")),
        *(sa.column(name) for name in ("provider", "failure", "created_at", "finished_at")),
    )
    connection = op.get_bind()
    now = time.time()  # noqa: TID251 - a step of the history has no clock to be handed
    connection.execute(
        images.update()
        .where(images.c.status == "pendente", images.c.provider != "procedural")
        .values(status="falhou", failure="outcome-unknown", finished_at=now)
    )
    pending = connection.execute(images.select().where(images.c.status == "pendente")).all()
    if pending:
        connection.execute(jobs.insert(), [_as_job(row, now) for row in pending])


def _as_job(image: sa.Row[tuple[object, ...]], now: float) -> dict[str, object]:
    stored: str = image.prompt
    prompt = _ESCAPED.sub(lambda found: "\0" if found[1] == "0" else "\\", stored)
    order = {
        "prompt": prompt,
        "size": [int(side) for side in image.size.split("x")],
        "product_id": image.product_id,
        "quality": "auto",
    }
    return {
        "id": str(uuid.uuid4()),
        "customer": "",
        "order": json.dumps(order),
        "image_id": image.id,
        "wants_partials": False,
        "created_at": image.created_at,
        "priority": 0,
        "rank": 0,
        "state": "queued",
        "version": 1,
        "available_at": now,
        "fence": 0,
        "is_cancel_asked": False,
        "progress": 0.0,
        "attempts": 0,
        "period": "",
        "price": 0,
        "reserved": 0,
        "cost": 0,
    }
