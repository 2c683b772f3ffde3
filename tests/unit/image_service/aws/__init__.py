"""What the functions decide before anything of Amazon's is asked."""

from __future__ import annotations
