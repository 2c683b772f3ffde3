"""Buckets and shares: which side of a split a customer is on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import xxhash

from gateway.routing.snapshot import BUCKETS, Share


def bucket_of(value: bytes, seed: int = 0) -> int:
    """The bucket, 0..99,999, of a sticky value: xxh64 modulo `BUCKETS`, as Envoy and HAProxy do.

    With a `seed` of 64 bits it is another one, that nobody foresees who does not know it.
    """
    return xxhash.xxh64_intdigest(value, seed) % BUCKETS


def bucket_of_draw(draw: float) -> int:
    """The bucket of a random draw in [0, 1)."""
    return int(draw * BUCKETS)


class Split:
    """Finds the share a bucket lies in."""

    __slots__ = ("_names", "_starts")

    def __init__(self, shares: Sequence[Share]) -> None:
        """Take shares in bucket order that cover [0, BUCKETS); empty ones are passed over."""
        occupied = [share for share in shares if share.start < share.end]
        self._starts = [share.start for share in occupied]
        self._names = [share.backend for share in occupied]

    def backend(self, bucket: int) -> str:
        """The backend whose share ``[start, end)`` holds `bucket`."""
        return self._names[bisect_right(self._starts, bucket) - 1]
