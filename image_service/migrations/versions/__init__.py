"""One module per change."""

from __future__ import annotations
