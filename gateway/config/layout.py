"""Where the weights of a split lie among the buckets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gateway.config.units import REST
from gateway.routing.snapshot import BUCKETS, Share

Weight = int | Literal["rest"]
"""A number of buckets, or ``rest``."""


def lay_out(split: Mapping[str, Weight]) -> tuple[Share, ...]:
    """Lay the weights out over the buckets: by name whatever the file's order, the rest last.

    So of two backends the one that comes first begins at bucket 0 at any weight, and a growing
    weight only ever takes customers in.
    """
    names = sorted(split, key=lambda name: (split[name] == REST, name))
    shares: list[Share] = []
    start = 0
    for name in names:
        weight = split[name]
        end = BUCKETS if weight == REST else start + weight
        shares.append(Share(backend=name, start=start, end=end))
        start = end
    return tuple(shares)
