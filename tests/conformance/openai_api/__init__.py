"""OpenAI's official client, unchanged, in front of the service."""

from __future__ import annotations
