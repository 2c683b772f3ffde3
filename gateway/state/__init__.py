"""What happened, kept in SQLite or PostgreSQL; routes.yaml holds only what is wished."""

from __future__ import annotations
