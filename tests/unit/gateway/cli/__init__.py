"""Unit tests of `gateway.cli`."""

from __future__ import annotations
