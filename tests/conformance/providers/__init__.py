"""What providers do to us, and what becomes of it; a real HTTP server is the judge."""

from __future__ import annotations
