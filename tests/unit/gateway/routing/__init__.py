"""Tests of `gateway.routing`."""

from __future__ import annotations
