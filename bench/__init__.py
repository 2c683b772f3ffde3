"""Measures what a proxied request costs here and in other proxies; `python -m bench`."""

from __future__ import annotations
