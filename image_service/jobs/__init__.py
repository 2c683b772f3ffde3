"""Orders as jobs: the pure rules, and the table that is their truth."""

from __future__ import annotations
