"""Tests of gateway.config."""

from __future__ import annotations
