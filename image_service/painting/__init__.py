"""Pure painting with Pillow: words in, a picture out; no clock, no randomness."""

from __future__ import annotations
