"""Tests of legacy_stub.gallery."""

from __future__ import annotations
