"""Tools for whoever works on the project; nothing here is shipped."""

from __future__ import annotations
