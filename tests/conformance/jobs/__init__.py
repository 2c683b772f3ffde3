"""Jobs on both databases, and real processes that are killed while they buy."""

from __future__ import annotations
