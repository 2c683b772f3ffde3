"""Whether memory and descriptors are flat: slopes over the time after the warm-up, and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from tests.soak.sampling import Sample

WARM_UP = 1 / 3
"""Of the run: until then pools, parsers and the allocator's arenas grow to what the load needs."""
MAX_RSS_GROWTH_BYTES = 4 << 20
"""Over the time watched. Between two samples the buffers of requests in flight make as much of a
difference: 32 visitors with 64 KiB each way. A leak of 100 bytes a request would pass it within
40,000 requests, which a run of ten minutes exceeds."""
MAX_DESCRIPTOR_GROWTH = 8.0
"""Over the time watched. The load moves the number up and down by dozens, and chance alone makes a
trend of about 1.5 of that; what is kept to the last is found when all have left."""
_MAX_POINTS = 400
"""All pairs of so many are compared in a moment."""
_LEAST_SHARE = 0.9
"""Of the time watched that a process must have lived to be judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How one process's memory and descriptors went.

    Attributes:
        pids: How many processes had this role in turn.
        is_judged: Whether one process had it for the whole of the time watched.
        rss_growth_bytes: What the slope amounts to over the time watched.
        descriptor_growth: Likewise.
    """

    role: str
    pids: int
    is_judged: bool
    rss_start_bytes: int
    rss_median_bytes: int
    rss_max_bytes: int
    rss_growth_bytes: float
    rss_slope_bytes_per_hour: float
    descriptors_median: float
    descriptors_max: int
    descriptor_growth: float

    @property
    def is_flat(self) -> bool:
        """Whether both stay within their bounds; shrinking is flat."""
        return (
            self.rss_growth_bytes <= MAX_RSS_GROWTH_BYTES
            and self.descriptor_growth <= MAX_DESCRIPTOR_GROWTH
        )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes of all pairs of points (Theil, Sen): outliers do not move it.

    Args:
        points: (x, y), in order of x; of more than some hundred, evenly chosen ones are taken.
    """
    step = -(-len(points) // _MAX_POINTS)
    chosen = points[::step] if step > 1 else points
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(chosen, 2) if b[0] > a[0]]
    return median(slopes) if slopes else 0.0


def trends(taken: Sequence[Sample], end_s: float) -> list[Trend]:
    """One for each role, in the order in which they were first seen."""
    roles = dict.fromkeys(sample.role for sample in taken)
    return [_trend([each for each in taken if each.role == role], end_s) for role in roles]


def _trend(taken: list[Sample], end_s: float) -> Trend:
    warm_s = end_s * WARM_UP
    last = [each for each in taken if each.pid == taken[-1].pid]
    watched = [each for each in last if each.at_s >= warm_s] or last[-1:]
    span_s = watched[-1].at_s - watched[0].at_s
    rss = slope([(each.at_s, each.rss_bytes) for each in watched])
    descriptors = slope([(each.at_s, each.descriptors) for each in watched])
    return Trend(
        role=taken[0].role,
        pids=len({each.pid for each in taken}),
        is_judged=span_s >= (end_s - warm_s) * _LEAST_SHARE,
        rss_start_bytes=taken[0].rss_bytes,
        rss_median_bytes=int(median(each.rss_bytes for each in watched)),
        rss_max_bytes=max(each.rss_bytes for each in taken),
        rss_growth_bytes=rss * span_s,
        rss_slope_bytes_per_hour=rss * 3600,
        descriptors_median=median(each.descriptors for each in watched),
        descriptors_max=max(each.descriptors for each in taken),
        descriptor_growth=descriptors * span_s,
    )
