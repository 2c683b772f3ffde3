"""Parallel runs: two sides answer, are compared, and what is seen becomes a verdict. Pure."""

from __future__ import annotations
