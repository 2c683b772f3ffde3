"""``Server-Timing`` (W3C): where the time of an order went, decided purely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from image_service.jobs.entries import Entry

HEADER = "Server-Timing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds that an order waited for its turn, for the provider, and for the blob store."""

    queue_s: float
    provider_s: float
    store_s: float

    def __str__(self) -> str:
        """Write the header's value: milliseconds."""
        named = (("queue", self.queue_s), ("provider", self.provider_s), ("store", self.store_s))
        return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in named)


def timing_of(entry: Entry) -> Timing:
    """Return what is known of a job so far; before its first call all of it is the queue's."""
    job = entry.job
    began_at = job.started_at or job.finished_at or entry.created_at
    return Timing(
        queue_s=max(began_at - entry.created_at, 0.0),
        provider_s=job.provider_s,
        store_s=job.store_s,
    )


def together(timings: Sequence[Timing]) -> Timing:
    """Return what was waited for longest of orders that were carried out side by side."""
    return Timing(
        queue_s=max(each.queue_s for each in timings),
        provider_s=max(each.provider_s for each in timings),
        store_s=max(each.store_s for each in timings),
    )
