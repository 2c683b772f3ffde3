"""The service against its own OpenAPI document."""

from __future__ import annotations
