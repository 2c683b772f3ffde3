"""The functions as Lambda runs them: its own runtime, in real processes, over its own protocol."""

from __future__ import annotations
