"""Tests of the monolith."""

from __future__ import annotations
