"""The import from the monolith, over real HTTP, between real processes."""

from __future__ import annotations
