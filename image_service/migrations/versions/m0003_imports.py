"""What the import from the monolith keeps: where it stands, and which images are its."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "imports",
        sa.Column("source", sa.String(16), primary_key=True),
        sa.Column("feed", sa.String(64), nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("in_snapshot", sa.Boolean, nullable=False),
        sa.Column("complete_at", sa.BigInteger),
        sa.Column("is_swept", sa.Boolean, nullable=False),
        sa.Column("highest_id", sa.BigInteger, nullable=False),
        sa.Column("newest_at", sa.Double),
        sa.Column("as_of", sa.Double),
    )
    op.create_table(
        "imported_images",
        sa.Column(
            "image_id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("refused", sa.Text),
    )
