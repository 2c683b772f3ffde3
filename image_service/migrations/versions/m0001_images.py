"""The table of images."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# The monolith counts from 1; both sides may create images at the same time.
_FIRST_ID = 1_000_000_001


def upgrade() -> None:
    """Create the table, its ids from the service's own block."""
    op.create_table(
        "images",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            sa.Identity(start=_FIRST_ID),
            primary_key=True,
        ),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("product_id", sa.BigInteger),
        sa.Column("size", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("failure", sa.String(32)),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("finished_at", sa.Double),
        # Without AUTOINCREMENT SQLite gives the id of a deleted last row out again.
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        sequence = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))
        op.execute(sequence.insert().values(name="images", seq=_FIRST_ID - 1))
