"""Who paints for the monolith: its own renderer, or OpenAI by the old program's plain call."""

from __future__ import annotations
