"""Tests of `gateway.parallel_run.statistics`."""

from __future__ import annotations
