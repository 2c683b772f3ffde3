"""What customers notice of backends that are ill: as little as can be."""

from __future__ import annotations
