"""Where each address of a backend stands, as workers see it."""

from __future__ import annotations

import msgspec


class AddressCounts(msgspec.Struct):
    """Of one worker, or added up over several; all of it is true for a moment only."""

    ejected: int = 0
    """Workers that leave it out, as connections to it fail."""
    failures: int = 0
    """In a row, since the last answer; the worst of the workers."""
    idle: int = 0
    """Connections that wait for a request."""
    in_use: int = 0
    """Connections that serve one, or are being made."""

    def add(self, other: AddressCounts) -> None:
        """Add another worker's."""
        self.ejected += other.ejected
        self.failures = max(self.failures, other.failures)
        self.idle += other.idle
        self.in_use += other.in_use


Upstreams = dict[str, dict[str, AddressCounts]]
"""Backend -> address, as in a URL -> its counts."""


def add_to(mine: Upstreams, theirs: Upstreams) -> None:
    """Add another worker's."""
    for backend, addresses in theirs.items():
        known = mine.setdefault(backend, {})
        for address, counts in addresses.items():
            known.setdefault(address, AddressCounts()).add(counts)
