"""The surface that OpenAI's clients speak, its pure parts."""

from __future__ import annotations
