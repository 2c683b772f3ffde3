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
        for entry in self._exact.get(path, ()):
            if entry.is_open or entry.unmet(head) is None:
                return entry
        prefixes = self._prefixes
        prefix = path if len(path) <= self._longest_prefix else self._longest(path)
        while True:
            for entry in prefixes.get(prefix, ()):
                if entry.is_open or entry.unmet(head) is None:
                    return entry
            if not prefix:
                return None
            prefix = prefix[: max(prefix.rfind(b"/"), 0)]

    def candidates(self, path: bytes) -> list[Entry]:
        """Entries whose path condition holds for a canonical `path`, in order of precedence."""
        found = [*self._exact.get(path, ())]
        prefix = self._longest(path)
        while prefix:
            found += self._prefixes.get(prefix, ())
            prefix = prefix[: max(prefix.rfind(b"/"), 0)]
        return found + self._prefixes.get(b"", [])

    def _longest(self, path: bytes) -> bytes:
        """The longest prefix of `path` that some route could match.

        A path of 8,000 slashes costs no more look-ups than the routes are deep.
        """
        longest = self._longest_prefix
        if len(path) <= longest:
            return path
        return path[: max(path.rfind(b"/", 0, longest + 1), 0)]

    def entries(self) -> Iterator[Entry]:
        """Every entry, in order of precedence over all paths."""
        for path in sorted(self._exact):
            yield from self._exact[path]
        for path in sorted(self._prefixes, key=lambda p: (-len(p), p)):
            yield from self._prefixes[path]


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
