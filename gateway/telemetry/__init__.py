"""What the gateway says of itself: access lines, metrics, event names. Pure."""

from __future__ import annotations
