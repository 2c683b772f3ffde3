"""Who moves when a split changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.routing.snapshot import BUCKETS, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A part of the buckets that goes elsewhere."""

    origin: str
    target: str
    buckets: int

    @property
    def percent(self) -> float:
        """Of all buckets, up to three decimals."""
        return round(self.buckets * 100 / BUCKETS, 3)


def moves(before: Sequence[Share], after: Sequence[Share]) -> tuple[Move, ...]:
    """What moves from where to where, the largest part first.

    Args:
        before: Shares in bucket order that cover all buckets.
        after: The same.
    """
    found: Counter[tuple[str, str]] = Counter()
    for old in before:
        for new in after:
            overlap = min(old.end, new.end) - max(old.start, new.start)
            if overlap > 0 and old.backend != new.backend:
                found[old.backend, new.backend] += overlap
    return tuple(
        Move(origin=origin, target=target, buckets=buckets)
        for (origin, target), buckets in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    )
