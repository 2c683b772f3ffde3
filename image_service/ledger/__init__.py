"""What pictures cost, and who may spend how much."""

from __future__ import annotations
