"""Snapshots in few words, for the tests of routing."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.routing.snapshot import (
    BUCKETS,
    Address,
    Backend,
    IdRange,
    Match,
    Owner,
    Route,
    Share,
    Snapshot,
    Sticky,
    Trust,
)
from gateway.routing.table import Table
from gateway.wire.messages import RequestHead

CUSTOMER = Sticky(source="header", name="x-customer-id")
COOKIE = Sticky(source="cookie", name="customer")
CLIENT_IP = Sticky(source="client_ip")


def shares(**weights: int) -> tuple[Share, ...]:
    """Shares of as many buckets each, in the order given; they must sum to all of them."""
    laid: list[Share] = []
    start = 0
    for name, weight in weights.items():
        laid.append(Share(backend=name, start=start, end=start + weight))
        start += weight
    assert start == BUCKETS
    return tuple(laid)


def snapshot(*routes: Route) -> Snapshot:
    """A snapshot of these routes, with every backend that they name."""
    names = dict.fromkeys(name for route in routes for name in route.backends)
    backends = tuple(
        Backend(name=name, addresses=(Address(host="127.0.0.1", port=8001 + n),))
        for n, name in enumerate(names)
    )
    return Snapshot(digest="", trust=Trust(), backends=backends, routes=routes)


def table(*routes: Route) -> Table:
    """The look-ups for these routes."""
    return Table(snapshot(*routes))


def prefix(path: str) -> Match:
    """A match of whole segments."""
    return Match(path_prefix=path)


MONOLITH = Route(name="monolith", matches=(prefix("/"),), backend="legacy")

IMAGE_OWNER = Owner(
    collection="/images",
    ranges=(
        IdRange(backend="legacy", first=1, last=1_000_000_000),
        IdRange(backend="image_service", first=1_000_000_001, last=None),
    ),
    unknown="legacy",
    lists="legacy",
)


def images(
    image_service: int = 0,
    *,
    owner: Owner | None = IMAGE_OWNER,
    sticky: tuple[Sticky, ...] = (CUSTOMER, COOKIE, CLIENT_IP),
) -> Route:
    """The shipped case's split route, with so many buckets on the new side."""
    return Route(
        name="images",
        matches=(prefix("/images"),),
        shares=shares(image_service=image_service, legacy=BUCKETS - image_service),
        sticky=sticky,
        owner=owner,
    )


def head(
    target: str | bytes,
    method: bytes = b"GET",
    named: Mapping[bytes, bytes] | None = None,
    client_ip: str = "",
) -> RequestHead:
    """A request's head; the target's query is split off."""
    raw = target.encode() if isinstance(target, str) else target
    path, _, query = raw.partition(b"?")
    request = RequestHead(method, path, query)
    request.named, request.client_ip = dict(named or {}), client_ip
    return request
