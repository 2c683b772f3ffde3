"""Unit tests of `gateway.control`."""

from __future__ import annotations
