"""The whole system as real processes on 127.0.0.1."""

from __future__ import annotations
