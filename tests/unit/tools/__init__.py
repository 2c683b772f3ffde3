"""Tests of the tools that people run from the checkout."""

from __future__ import annotations
