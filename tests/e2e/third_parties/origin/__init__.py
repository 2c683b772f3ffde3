"""A server of many natures for clients to meet, directly and through a gateway."""

from __future__ import annotations
