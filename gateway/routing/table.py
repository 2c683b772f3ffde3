"""Look-ups over all routes, built once per snapshot; cost flat in the number of routes.

Precedence is Gateway API's, with regular expressions given a place: an exact host before a
wildcard, the longest wildcard first, then no condition on the host; an exact path, a regular
expression, the longest prefix; among equals a method condition, then more header conditions, then
more query conditions, then file order (HTTPRouteRule.matches, HTTPRouteSpec.hostnames).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from gateway.routing.entry import Entry, Shared, Unmet, Way
from gateway.routing.host import canonical, conditions
from gateway.routing.path_table import PathTable
from gateway.routing.snapshot import Match, Route, Snapshot
from gateway.wire.messages import RequestHead

__all__ = ["Entry", "Table", "Unmet", "Way"]

_MAX_HOSTS, _MAX_HOST_BYTES = 1024, 64
"""Remembered: a gateway serves a handful of hosts; a hostile client can only have them looked at
anew."""
_ANY = b""


class Table:
    """All routes of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        shared = Shared()
        self.ways = [Way(route, shared) for route in snapshot.routes]
        by_host: dict[bytes, list[Entry]] = {_ANY: []}
        for position, way in enumerate(self.ways):
            for match in way.route.matches:
                for one in _by_host(match):
                    entry = Entry(way, one, position)
                    by_host.setdefault(entry.host.encode(), []).append(entry)
        self._paths = {host: PathTable(entries) for host, entries in by_host.items()}
        self._chains: dict[bytes, tuple[PathTable, ...]] = {}
        self.find: Callable[[RequestHead, bytes], Entry | None] = (
            self._find_by_host if len(by_host) > 1 else self._paths[_ANY].find
        )
        """The entry that takes a request with this canonical path; None if no route does. A table
        without conditions on the host does not look at it."""
        self.header_names = frozenset(_header_names(snapshot.routes))
        """Lower-case names of the headers that some route reads."""

    def _find_by_host(self, head: RequestHead, path: bytes) -> Entry | None:
        host = head.named.get(b"host", b"")
        for paths in self._chains.get(host) or self._chain(host):
            entry = paths.find(head, path)
            if entry is not None:
                return entry
        return None

    def _chain(self, host: bytes) -> tuple[PathTable, ...]:
        """The paths to look through for a host as received, in order of precedence."""
        met = (*conditions(canonical(host)), _ANY)
        chain = tuple(self._paths[condition] for condition in met if condition in self._paths)
        if len(host) <= _MAX_HOST_BYTES:
            if len(self._chains) >= _MAX_HOSTS:
                self._chains.clear()
            self._chains[host] = chain
        return chain

    def candidates(self, path: bytes) -> list[Entry]:
        """Entries whose path condition holds for a canonical `path`, in order of precedence."""
        found = [entry for paths in self._paths.values() for entry in paths.candidates(path)]
        return sorted(found, key=lambda entry: entry.order)

    def entries(self) -> Iterator[Entry]:
        """Every entry, in order of precedence over all hosts and paths."""
        found = [entry for paths in self._paths.values() for entry in paths.entries]
        return iter(sorted(found, key=lambda entry: entry.order))


def _by_host(match: Match) -> list[Match]:
    """A match for each host: each has a place of its own among all others."""
    if len(match.hosts) <= 1:
        return [match]
    return [replace(match, hosts=(host,)) for host in match.hosts]


def _header_names(routes: tuple[Route, ...]) -> Iterator[bytes]:
    for route in routes:
        for match in route.matches:
            yield from (name.encode() for name, _ in match.headers)
            if match.hosts:
                yield b"host"
        for sticky in route.sticky:
            if sticky.source == "header":
                yield sticky.name.encode()
            elif sticky.source == "cookie":
                yield b"cookie"
