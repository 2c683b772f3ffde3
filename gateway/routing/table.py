"""Look-ups over all routes, built once per snapshot; cost flat in the number of routes.

Precedence is Gateway API's: exact path before prefix, the longest prefix first; among equals a
method condition, then more header conditions, then more query conditions, then file order
(HTTPRouteRule.matches).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from gateway.routing.owner import OwnerIndex
from gateway.routing.snapshot import Match, Route, Snapshot
from gateway.routing.split import Split
from gateway.routing.sticky import StickyIndex
from gateway.wire.messages import RequestHead


class Way:
    """A route with what it needs to choose a backend."""

    __slots__ = ("owner", "route", "split", "sticky")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.split = Split(route.shares)
        self.sticky = StickyIndex(route.sticky)
        self.owner = OwnerIndex(route.owner) if route.owner else None


@dataclass(frozen=True, slots=True)
class Unmet:
    """The first condition of a match that a request does not meet."""

    condition: str
    """``path``, ``method``, ``header NAME`` or ``query KEY``."""
    wanted: str
    got: str | None
    """None where the request has no such header or key."""


class Entry:
    """One match of one route, ready to be tested."""

    __slots__ = ("_headers", "_methods", "_query", "is_open", "match", "rank", "way")

    def __init__(self, way: Way, match: Match, position: int) -> None:
        self.way = way
        self.match = match
        self.rank = (not match.methods, -len(match.headers), -len(match.query), position)
        self._methods = frozenset(method.encode() for method in match.methods)
        self._headers = [(name.encode(), value.encode()) for name, value in match.headers]
        self._query = [(key.encode(), value.encode()) for key, value in match.query]
        self.is_open = not (self._methods or self._headers or self._query)
        """Whether the path is the only condition."""

    def unmet(self, head: RequestHead) -> Unmet | None:
        """None if every condition but the path (which found this entry) holds."""
        if self._methods and head.method not in self._methods:
            return Unmet("method", "|".join(self.match.methods), head.method.decode("latin-1"))
        for name, wanted in self._headers:
            got = head.named.get(name)
            if got != wanted:
                return _unmet("header", name, wanted, got)
        return self._unmet_query(head.query) if self._query else None

    def _unmet_query(self, query: bytes) -> Unmet | None:
        given = _query_values(query)
        for key, wanted in self._query:
            if given.get(key) != wanted:
                return _unmet("query", key, wanted, given.get(key))
        return None


class Table:
    """All routes of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.ways = [Way(route) for route in snapshot.routes]
        self._exact: dict[bytes, list[Entry]] = {}
        self._prefixes: dict[bytes, list[Entry]] = {}
        self._longest_prefix = 0
        for position, way in enumerate(self.ways):
            for match in way.route.matches:
                self._add(Entry(way, match, position))
        self.header_names = frozenset(_header_names(snapshot.routes))
        """Lower-case names of the headers that some route reads."""

    def _add(self, entry: Entry) -> None:
        path, index = entry.match.path, self._exact
        if path is None:
            path, index = (entry.match.path_prefix or "").rstrip("/"), self._prefixes
            self._longest_prefix = max(self._longest_prefix, len(path.encode()))
        insort(index.setdefault(path.encode(), []), entry, key=lambda e: e.rank)

    def find(self, head: RequestHead, path: bytes) -> Entry | None:
        """The entry that takes a request with this canonical path; None if no route does."""
        for group in self._groups(path):
            for entry in group:
                if entry.is_open or entry.unmet(head) is None:
                    return entry
        return None

    def candidates(self, path: bytes) -> list[Entry]:
        """Entries whose path condition holds for a canonical `path`, in order of precedence."""
        return [entry for group in self._groups(path) for entry in group]

    def _groups(self, path: bytes) -> list[list[Entry]]:
        """`candidates`, those of one path condition together."""
        groups = []
        if path in self._exact:
            groups.append(self._exact[path])
        prefixes, prefix = self._prefixes, path
        if len(path) > self._longest_prefix:
            # Only what some route could match: a path of 8,000 slashes costs one look-up, too.
            prefix = _parent(path, self._longest_prefix + 1)
        while prefix:
            if prefix in prefixes:
                groups.append(prefixes[prefix])
            prefix = _parent(prefix, len(prefix))
        if b"" in prefixes:
            groups.append(prefixes[b""])
        return groups

    def entries(self) -> Iterator[Entry]:
        """Every entry, in order of precedence over all paths."""
        for path in sorted(self._exact):
            yield from self._exact[path]
        for path in sorted(self._prefixes, key=lambda p: (-len(p), p)):
            yield from self._prefixes[path]


def _parent(path: bytes, end: int) -> bytes:
    """The whole segments of `path` before its last slash among the first `end` bytes."""
    return path[: max(path.rfind(b"/", 0, end), 0)]


def _header_names(routes: tuple[Route, ...]) -> Iterator[bytes]:
    for route in routes:
        for match in route.matches:
            yield from (name.encode() for name, _ in match.headers)
        for sticky in route.sticky:
            if sticky.source == "header":
                yield sticky.name.encode()
            elif sticky.source == "cookie":
                yield b"cookie"


@lru_cache(maxsize=1)  # the same request's, asked for by one match after another
def _query_values(query: bytes) -> dict[bytes, bytes]:
    """Percent-decoded key -> its first value (Gateway API: later repeats are not looked at)."""
    values: dict[bytes, bytes] = {}
    for pair in query.split(b"&"):
        key, _, value = pair.replace(b"+", b" ").partition(b"=")
        values.setdefault(unquote_to_bytes(key), unquote_to_bytes(value))
    return values


def _unmet(kind: str, name: bytes, wanted: bytes, got: bytes | None) -> Unmet:
    shown = got.decode("latin-1") if got is not None else None
    return Unmet(f"{kind} {name.decode()}", wanted.decode(), shown)
