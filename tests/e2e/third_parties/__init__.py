"""Other people's programs behave the same through the gateway as without it."""

from __future__ import annotations
