"""What to think of a place that fails, and which of several places to take. Pure."""

from __future__ import annotations
