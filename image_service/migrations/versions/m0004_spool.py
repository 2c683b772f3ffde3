"""Pictures that are paid for and that the blob store would not take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "spooled_pictures",
        sa.Column("job_id", sa.String(36), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("original", sa.LargeBinary),
        sa.Column("provider", sa.String(200), nullable=False),
        sa.Column("spooled_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
    )
    op.create_index("spooled_pictures_due", "spooled_pictures", ["due_at"])
