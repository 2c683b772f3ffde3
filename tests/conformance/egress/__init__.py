"""The egress listener between the official SDK and a provider, over real HTTP."""

from __future__ import annotations
