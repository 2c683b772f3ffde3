"""The proof: seeded faults of a candidate, and who finds them."""

from __future__ import annotations
