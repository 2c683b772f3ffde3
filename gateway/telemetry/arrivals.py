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
    handshakes_failed: dict[str, int] = msgspec.field(default_factory=dict)
    """Cause -> connections on which TLS did not come about."""

    def add(self, other: Arrivals) -> None:
        """Add another worker's."""
        self.limit += other.limit
        self.full += other.full
        self.full_s += other.full_s
        for cause, count in other.handshakes_failed.items():
            self.handshakes_failed[cause] = self.handshakes_failed.get(cause, 0) + count

    def without_gauges(self) -> Arrivals:
        """What a worker leaves behind that is gone (a copy)."""
        return Arrivals(full_s=self.full_s, handshakes_failed=dict(self.handshakes_failed))
