"""Trials: the other side is asked, both answers are compared, and every request gets its class."""

from __future__ import annotations
