"""What is known of jumps of the clock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table, with its one row."""
    table = op.create_table(
        "clock",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("steps", sa.Integer, nullable=False),
    )
    op.bulk_insert(table, [{"id": 1, "steps": 0}])
