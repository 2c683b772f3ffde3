"""The import from the monolith: what is decided."""

from __future__ import annotations
