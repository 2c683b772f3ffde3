"""Two answers laid side by side: every difference with its place and its kind."""

from __future__ import annotations

from gateway.parallel_run.compare.answers import compare

__all__ = ["compare"]
