"""The monolith against the recorded behaviour of the original."""

from __future__ import annotations
