"""Flips in a row through each way of flipping, under steady load: ``python -m tests.flips``."""

from __future__ import annotations
