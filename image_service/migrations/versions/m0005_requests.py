"""Jobs know the request that ordered them, and how long their calls and the store took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns; what is there took no time that anybody has measured."""
    op.add_column("jobs", sa.Column("request_id", sa.String(128)))
    for name in ("provider_s", "store_s"):
        op.add_column("jobs", sa.Column(name, sa.Double, nullable=False, server_default="0"))
