"""The admin port: health, metrics and status, on an address that no customer reaches."""

from __future__ import annotations
