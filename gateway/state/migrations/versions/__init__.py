"""One module per change of the tables, named by its number and what it brings."""

from __future__ import annotations
