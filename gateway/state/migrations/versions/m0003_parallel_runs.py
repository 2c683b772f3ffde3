"""What is known of parallel runs: epochs, strata, distinct requests, examples."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_CASCADE = "CASCADE"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "run_epochs",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("run", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("resets", sa.Integer, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("routes", sa.Text, nullable=False),
        sa.Column("began_at_s", sa.Float, nullable=False),
        sa.Column("newest_at_s", sa.Float, nullable=False),
        sa.Column("not_sampled", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("run", "key", "resets", name="run_epochs_key"),
    )
    op.create_table(
        "run_strata",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column(
            "epoch_id",
            sa.Integer,
            sa.ForeignKey("run_epochs.id", ondelete=_CASCADE),
            nullable=False,
        ),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("template", sa.String(255), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        *_counts("distinct_requests", "mismatched", "seen_once", "seen_twice"),
        *_counts("passed_over", "passed_over_against"),
        sa.Column("first_at_s", sa.Float, nullable=True),
        sa.Column("newest_at_s", sa.Float, nullable=True),
        sa.Column("folded", sa.Text, nullable=False),
        sa.UniqueConstraint("epoch_id", "method", "template", "status", name="run_strata_key"),
    )
    op.create_table(
        "run_fingerprints",
        _of_stratum(),
        sa.Column("fingerprint", sa.LargeBinary(16), primary_key=True),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("differs", sa.Boolean, nullable=False),
        sa.Column("places", sa.LargeBinary, nullable=True),
        sqlite_with_rowid=False,
    )
    _create_examples()
    _create_pending()


def _create_examples() -> None:
    op.create_table(
        "run_examples",
        _of_stratum(),
        sa.Column("place", sa.String(255), primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at_s", sa.Float, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )


def _create_pending() -> None:
    op.create_table(
        "run_pending",
        sa.Column("run", sa.String(255), primary_key=True),
        sa.Column("gateway", sa.String(255), primary_key=True),
        *_counts("pending", "accounted"),
        sa.Column("started", sa.String(64), nullable=False),
        sa.Column("heard_at_s", sa.Float, nullable=False),
    )
    op.create_table(
        "run_resets",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("run", sa.String(255), nullable=False, index=True),
        sa.Column("at_s", sa.Float, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("author", sa.String(255), nullable=True),
    )


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _of_stratum() -> sa.Column[int]:
    return sa.Column(
        "stratum_id",
        sa.Integer,
        sa.ForeignKey("run_strata.id", ondelete=_CASCADE),
        primary_key=True,
        autoincrement=False,
    )
