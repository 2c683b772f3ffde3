"""Tests of `gateway.parallel_run`."""

from __future__ import annotations
