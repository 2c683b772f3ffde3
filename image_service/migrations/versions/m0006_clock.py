"""Jumps of the clock, providers that rest, and which pictures on the way events tell of."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# Rows of one statement.
_AT_ONCE = 500


def upgrade() -> None:
    """Create the two tables, and say what old events tell of."""
    clock = op.create_table(
        "clock",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("moved_s", sa.Double, nullable=False),
    )
    op.bulk_insert(clock, [{"id": 1, "steps": 0, "moved_s": 0.0}])
    op.create_table(
        "rests",
        sa.Column("provider", sa.String(200), primary_key=True),
        sa.Column("until", sa.Double, nullable=False),
    )
    op.add_column("job_events", sa.Column("sha256", sa.String(64)))
    op.create_index("job_events_picture", "job_events", ["sha256"])
    _name_pictures()


def _name_pictures() -> None:
    connection = op.get_bind()
    names = ["job_id", "number", "kind", "data", "sha256"]
    events = sa.table("job_events", *(sa.column(name) for name in names))
    told = connection.execute(
        sa.select(events.c.job_id, events.c.number, events.c.data).where(
            events.c.kind == "partial_image"
        )
    ).all()
    named = [
        {"of": job_id, "at": number, "is": str(json.loads(data)["url"]).rpartition("/")[2]}
        for job_id, number, data in told
    ]
    name = (
        sa.update(events)
        .where(events.c.job_id == sa.bindparam("of"), events.c.number == sa.bindparam("at"))
        .values(sha256=sa.bindparam("is"))
    )
    for start in range(0, len(named), _AT_ONCE):
        connection.execute(name, named[start : start + _AT_ONCE])
