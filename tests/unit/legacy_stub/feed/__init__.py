"""What decides in the change feed, and its port."""

from __future__ import annotations
