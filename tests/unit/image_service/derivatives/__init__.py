"""Pictures in other formats and sizes."""

from __future__ import annotations
