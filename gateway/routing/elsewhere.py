"""Where new work goes while the backend that it was meant for is out of service."""

from __future__ import annotations

from collections.abc import Callable

from gateway.routing.decide import Forward, Reason

_NEW_WORK = frozenset({Reason.STICKY, Reason.DRAW})
"""What the split decided. The rest belongs where it goes, or somebody wants it there."""


def elsewhere(decision: Forward, is_in_service: Callable[[str], bool]) -> str | None:
    """The backend that does the work instead; None if it stays, as no other can do it.

    The others share it by their weights, each of the buckets at the same one every time, so that
    customers stay together. One of weight 0 gets nothing new from anybody.

    Args:
        decision: What the route says.
        is_in_service: Whether a backend can take work.
    """
    bucket = decision.bucket
    if decision.reason not in _NEW_WORK or bucket is None:
        return None
    shares = decision.route.shares
    others = [s for s in shares if s.backend != decision.backend and s.start < s.end]
    able = [share for share in others if is_in_service(share.backend)]
    if not able:
        return None
    meant = next(share for share in shares if share.start <= bucket < share.end)
    total = sum(share.end - share.start for share in able)
    place = (bucket - meant.start) * total // (meant.end - meant.start)
    for share in able:
        place -= share.end - share.start
        if place < 0:
            return share.backend
    raise AssertionError(f"bucket {bucket} is beyond {total} others")
