"""What a change would do to recorded traffic."""

from __future__ import annotations
