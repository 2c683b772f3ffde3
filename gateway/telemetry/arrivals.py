"""What becomes of customers' connections before there is any request."""

from __future__ import annotations

import msgspec


class Arrivals(msgspec.Struct):
    """Counted by one worker, or added up over several."""

    limit: int = 0
    """Connections that may be open at a time."""
    full: int = 0
    """Workers that have as many as they may, now."""
    full_s: float = 0.0
    """Seconds that they had, each worker's for itself."""

    def add(self, other: Arrivals) -> None:
        """Add another worker's."""
        self.limit += other.limit
        self.full += other.full
        self.full_s += other.full_s

    def without_gauges(self) -> Arrivals:
        """What a worker leaves behind that is gone (a copy)."""
        return Arrivals(full_s=self.full_s)
