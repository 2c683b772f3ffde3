"""Where pictures come from: the port, and one module per provider."""

from __future__ import annotations
