"""Fuzzing of the data path against the strict reader: ``python -m tests.fuzz --seconds 60``."""

from __future__ import annotations
