"""The ledger of parallel runs as control runs it: fast, never in the way, sums after a crash."""

from __future__ import annotations
