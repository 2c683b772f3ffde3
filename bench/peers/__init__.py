"""The proxies: how each is configured and started for a measurement."""

from __future__ import annotations
