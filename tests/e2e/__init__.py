"""The whole system as real processes: customers, operators and accidents."""

from __future__ import annotations
