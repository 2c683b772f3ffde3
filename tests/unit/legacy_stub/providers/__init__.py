"""Tests of legacy_stub.providers."""

from __future__ import annotations
