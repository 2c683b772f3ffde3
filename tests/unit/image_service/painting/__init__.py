"""Tests of the painting."""

from __future__ import annotations
