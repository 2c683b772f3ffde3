"""Putting the OpenAPI document together."""

from __future__ import annotations
