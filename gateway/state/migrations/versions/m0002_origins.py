"""Who made a revision and how, what it changed, and what was refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns, and the table of refusals."""
    op.add_column("revisions", sa.Column("author", sa.String(255), nullable=True))
    op.add_column("revisions", sa.Column("how", sa.Text, nullable=True))
    op.add_column("revisions", sa.Column("restores", sa.Integer, nullable=True))
    op.add_column("revisions", sa.Column("diff", sa.Text, nullable=True))
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("author", sa.String(255), nullable=True),
        sa.Column("how", sa.Text, nullable=True),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("problems", sa.Integer, nullable=False),
    )
