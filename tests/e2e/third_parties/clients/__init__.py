"""Each client behind one face: asks in, what it saw out."""

from __future__ import annotations
