"""Tests of what is thought of places that fail."""

from __future__ import annotations
