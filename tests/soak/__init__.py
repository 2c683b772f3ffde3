"""Hours in minutes: mixed load and every fault at once, and whether anything grows or is wrong."""

from __future__ import annotations
