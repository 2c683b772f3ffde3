"""Whether there is room for one more order, decided purely."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many orders may wait: in all, and of one customer."""

    total: int
    per_customer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """There is no room.

    Attributes:
        code: ``queue-full`` when everybody has to wait, ``rate-limited`` when this customer has.
        waiting: How many orders are before.
    """

    code: str
    waiting: int


def admit(room: Room, *, waiting: int, of_customer: int) -> Full | None:
    """Decide about one order; None takes it."""
    if of_customer >= room.per_customer:
        return Full(code="rate-limited", waiting=of_customer)
    if waiting >= room.total:
        return Full(code="queue-full", waiting=waiting)
    return None


def retry_after_s(waiting: int, *, concurrency: int, usual_s: float) -> int:
    """Estimate when there is room again: 1 to 60 seconds.

    Args:
        waiting: How many orders are before.
        concurrency: How many pictures are made at once.
        usual_s: How long one takes.
    """
    # A tenth of the queue is gone by then; nobody has to come back more often.
    estimate_s = waiting / 10 * usual_s / max(concurrency, 1)
    return round(min(max(estimate_s, 1), 60))
