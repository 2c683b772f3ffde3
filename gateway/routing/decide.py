"""The decision: which route, which backend, and who decided.

In this order: the owner of an existing resource, a tester's pin, the customer's sticky bucket, a
draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from gateway.routing.owner import Claim, Claimed
from gateway.routing.path import is_plain, readings
from gateway.routing.pin import may_pin
from gateway.routing.snapshot import Route
from gateway.routing.split import bucket_of, bucket_of_draw
from gateway.routing.table import Table, Way
from gateway.wire.messages import RequestHead


class Reason:
    """Who decided on the backend, as access lines and metrics say it.

    Plain text, not an enum: each request counts under it.
    """

    BACKEND: Final = "backend"
    OWNER: Final = "owner"
    OWNER_UNKNOWN: Final = "owner_unknown"
    OWNER_LIST: Final = "owner_list"
    PIN: Final = "pin"
    STICKY: Final = "sticky"
    DRAW: Final = "draw"
    FALLBACK: Final = "fallback"
    """Another backend was unavailable."""
    SECOND_LOOK: Final = "second_look"
    """The backend for unknown ids has no such resource."""
    MOVED: Final = "moved"
    """Another backend is out of service."""


ReasonText = Literal[
    "backend",
    "owner",
    "owner_unknown",
    "owner_list",
    "pin",
    "sticky",
    "draw",
    "fallback",
    "second_look",
    "moved",
]
_CLAIM_REASONS: dict[Claim, ReasonText] = {
    Claim.OWNER: Reason.OWNER,
    Claim.UNKNOWN: Reason.OWNER_UNKNOWN,
    Claim.LIST: Reason.OWNER_LIST,
}

_BINDING = frozenset({Reason.OWNER, Reason.OWNER_LIST})
"""Nobody else may answer. If one reader of a path takes it so, that holds for all."""


class Forward(msgspec.Struct, gc=False):
    """Send the request to `backend`.

    One is made for each request: in half the time that a dataclass takes.
    """

    route: Route
    backend: str
    """Its name; `Owner.merged` where a list is asked for that several backends hold."""
    reason: ReasonText
    bucket: int | None = None
    """0..99,999 where a sticky value or a draw decided; None otherwise."""
    detail: str = ""
    """The sticky source or the resource's id that decided; empty otherwise."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer the request here: it cannot be routed safely."""

    status: int
    title: str
    detail: str


BAD_PATH = Reply(400, "Bad Request", "The path is malformed.")
AMBIGUOUS_PATH = Reply(400, "Bad Request", "The path can be read in more than one way.")
NO_ROUTE = Reply(404, "Not Found", "No route takes this request.")

Decision = Forward | Reply


def decide(table: Table, head: RequestHead, draw: float) -> Decision:
    """Choose where a request goes.

    Args:
        table: The routes.
        head: The parsed request head.
        draw: A random number in [0, 1), used only where nothing sticky is there.
    """
    path = head.path
    if is_plain(path):
        entry = table.find(head, path)
        return choose(entry.way, head, path, draw) if entry else NO_ROUTE
    paths = readings(path)
    if paths is None:
        return BAD_PATH
    decision = _decide_path(table, head, paths[0], draw)
    for other in paths[1:]:
        found = _decide_path(table, head, other, draw)
        if not _same(decision, found):
            return AMBIGUOUS_PATH
        if not _is_binding(decision) and _is_binding(found):
            decision = found
    return decision


def _decide_path(table: Table, head: RequestHead, path: bytes, draw: float) -> Decision:
    entry = table.find(head, path)
    return choose(entry.way, head, path, draw) if entry else NO_ROUTE


def choose(way: Way, head: RequestHead, path: bytes, draw: float) -> Forward:
    """Choose the backend within a route."""
    route = way.route
    if route.backend is not None:
        return Forward(route, route.backend, Reason.BACKEND)
    claimed = None if way.owner is None else way.owner.claim(head.method, path)
    if head.pin and may_pin(route, head, claimed):
        return Forward(route, head.pin, Reason.PIN)
    if claimed is not None:
        return _forward_to_owner(route, claimed)
    source, value = way.sticky.find(head)
    if not value:
        bucket = bucket_of_draw(draw)
        return Forward(route, way.split.backend(bucket), Reason.DRAW, bucket)
    bucket = bucket_of(value)
    return Forward(route, way.split.backend(bucket), Reason.STICKY, bucket, source)


def _forward_to_owner(route: Route, claimed: Claimed) -> Forward:
    return Forward(route, claimed.backend, _CLAIM_REASONS[claimed.claim], None, claimed.id)


def _is_binding(decision: Decision) -> bool:
    return isinstance(decision, Forward) and decision.reason in _BINDING


def _same(one: Decision, other: Decision) -> bool:
    if isinstance(one, Forward) and isinstance(other, Forward):
        return one.route is other.route and one.backend == other.backend
    return one == other
