"""Tests of the bench's pure parts."""

from __future__ import annotations
