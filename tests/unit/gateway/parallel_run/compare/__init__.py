"""Tests of `gateway.parallel_run.compare`."""

from __future__ import annotations
