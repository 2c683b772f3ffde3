"""Testers choose the backend themselves, but never for what somebody else may have made."""

from __future__ import annotations

from gateway.routing.owner import Claim, Claimed
from gateway.routing.snapshot import Route
from gateway.wire.messages import RequestHead

_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})


def may_pin(route: Route, head: RequestHead, claimed: Claimed | None) -> bool:
    """Whether a request may go to the backend that its tester asks for.

    That is one of the split's, a weight of 0 included. A known owner stands above any pin. What
    is not new work and has no known owner (a list, an unknown id) may only be looked at there: a
    change would meet a resource on a side that did not make it.
    """
    if not any(share.backend == head.pin for share in route.shares):
        return False
    if claimed is None:
        return True
    return claimed.claim is not Claim.OWNER and head.method in _SAFE
