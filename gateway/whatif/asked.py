"""What the routes of a snapshot ask a request for, beside its method and path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.routing.snapshot import Match, Snapshot, Sticky

CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"}
)
"""Headers that are never written down, whether or not they are declared sensitive."""

_ANY_LABEL = "any-figueira-any"
"""Where a wildcard stands; no name that is written out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Keys, and for each the values that some route wants."""

    headers: dict[str, tuple[str, ...]]
    """Lower-case name -> values."""
    query: dict[str, tuple[str, ...]]
    sticky: tuple[Sticky, ...]
    """Each source once."""


def asked_by(snapshots: Iterable[Snapshot]) -> Asked:
    """What any route of the snapshots asks for, in the order of the files."""
    routes = [route for snapshot in snapshots for route in snapshot.routes]
    matches = [match for route in routes for match in route.matches]
    return Asked(
        headers=_by_key(pair for match in matches for pair in (*match.headers, *_hosts(match))),
        query=_by_key(pair for match in matches for pair in match.query),
        sticky=tuple(dict.fromkeys(source for route in routes for source in route.sticky)),
    )


def _hosts(match: Match) -> Iterator[tuple[str, str]]:
    """Conditions on the host, as those on a header: a host for each that meets it."""
    for host in match.hosts:
        yield "host", f"{_ANY_LABEL}{host[1:]}" if host.startswith("*") else host


def _by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for key, value in pairs:
        found.setdefault(key, {})[value] = None
    return {key: tuple(values) for key, values in found.items()}
