"""What a customer and a backend see of the gateway's door, byte by byte."""

from __future__ import annotations
