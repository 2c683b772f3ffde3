"""The change feed, on each database that the monolith runs on."""

from __future__ import annotations
