"""Tests of `gateway.wire`."""

from __future__ import annotations
