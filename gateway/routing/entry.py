"""One match of one route, ready to be tested, and the route behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from gateway.routing.host import canonical, conditions, precedence
from gateway.routing.owner import OwnerIndex
from gateway.routing.pattern import Patterns
from gateway.routing.snapshot import Match, Route, Share, Sticky
from gateway.routing.split import Split
from gateway.routing.sticky import StickyIndex
from gateway.wire.messages import RequestHead


class Shared:
    """What routes have in common, made once.

    A thousand routes with one split between them then stay within what a processor has at hand.
    """

    def __init__(self) -> None:
        self._splits: dict[tuple[Share, ...], Split] = {}
        self._sticky: dict[tuple[Sticky, ...], StickyIndex] = {}

    def split(self, shares: tuple[Share, ...]) -> Split:
        """The look-up for these shares."""
        return self._splits.get(shares) or self._splits.setdefault(shares, Split(shares))

    def sticky(self, sources: tuple[Sticky, ...]) -> StickyIndex:
        """The look-up for these sources."""
        return self._sticky.get(sources) or self._sticky.setdefault(sources, StickyIndex(sources))


class Way:
    """A route with what it needs to choose a backend."""

    __slots__ = ("owner", "route", "split", "sticky")

    def __init__(self, route: Route, shared: Shared) -> None:
        self.route = route
        self.split = shared.split(route.shares)
        self.sticky = shared.sticky(route.sticky)
        self.owner = OwnerIndex(route.owner) if route.owner else None


@dataclass(frozen=True, slots=True)
class Unmet:
    """A condition of a match that a request does not meet."""

    condition: str
    """``host``, ``path``, ``method``, ``header NAME`` or ``query KEY``."""
    wanted: str
    got: str | None
    """None where the request has no such header or key, or named no host."""


class Entry:
    """One match of one route, for one of the hosts that it names."""

    __slots__ = (
        "_headers",
        "_methods",
        "_query",
        "host",
        "is_open",
        "match",
        "otherwise",
        "rank",
        "way",
    )

    def __init__(self, way: Way, match: Match, position: int) -> None:
        self.way = way
        self.match = match
        """With one host at most."""
        self.host = match.hosts[0] if match.hosts else ""
        """The condition on the host; empty for any host."""
        self.rank = (not match.methods, -len(match.headers), -len(match.query), position)
        """Less comes first among entries of equal host and path."""
        self.otherwise: Entry | None = None
        """The next to look at if this one's other conditions do not hold."""
        self._methods = frozenset(method.encode() for method in match.methods)
        self._headers = [(name.encode(), value.encode()) for name, value in match.headers]
        self._query = [(key.encode(), value.encode()) for key, value in match.query]
        self.is_open = not (self._methods or self._headers or self._query)
        """Whether host and path are the only conditions."""

    @property
    def order(self) -> tuple[object, ...]:
        """Less comes first, among all entries: host, kind of path, length of a prefix, rank."""
        match = self.match
        if match.path_prefix is None:
            kind, path = (0, match.path or "") if match.path_regex is None else (1, "")
        else:
            kind, path = 2, match.path_prefix.rstrip("/")
        length = len(path) if kind == 2 else 0  # noqa: PLR2004 - a prefix
        return (*precedence(self.host), self.host, kind, -length, path, self.rank)

    def holds(self, head: RequestHead) -> bool:
        """Whether every condition but host and path (which found this entry) is met."""
        if self._methods and head.method not in self._methods:
            return False
        named = head.named
        for name, wanted in self._headers:
            if named.get(name) != wanted:
                return False
        if self._query:
            given = _query_values(head.query)
            for key, wanted in self._query:
                if given.get(key) != wanted:
                    return False
        return True

    def unmet(self, head: RequestHead) -> Unmet | None:
        """The first condition but the path that a request does not meet; None if all are met."""
        return next(self._unmet(head), None)

    def all_unmet(self, head: RequestHead, path: bytes) -> tuple[Unmet, ...]:
        """Every condition that a request with this canonical path does not meet."""
        found = list(self._unmet(head))
        if not self.takes_path(path):
            match = self.match
            wanted = (
                match.path or match.path_regex or f"{(match.path_prefix or '').rstrip('/')}/..."
            )
            # After the host, before the others: as they are looked at.
            place = int(bool(found) and found[0].condition == "host")
            found.insert(place, Unmet("path", wanted, path.decode("latin-1")))
        return tuple(found)

    def takes_path(self, path: bytes) -> bool:
        """Whether the condition on the path holds, for a canonical one."""
        match = self.match
        if match.path is not None:
            return path == match.path.encode()
        if match.path_regex is not None:
            return bool(Patterns([match.path_regex]).matching(path))
        prefix = (match.path_prefix or "").rstrip("/").encode()
        return path == prefix or path.startswith(prefix + b"/") or not prefix

    def _unmet(self, head: RequestHead) -> Iterator[Unmet]:
        if self.host:
            host = canonical(head.named.get(b"host", b""))
            if self.host.encode() not in conditions(host):
                yield Unmet("host", self.host, host.decode("latin-1") or None)
        if self._methods and head.method not in self._methods:
            yield Unmet("method", "|".join(self.match.methods), head.method.decode("latin-1"))
        for name, wanted in self._headers:
            if (got := head.named.get(name)) != wanted:
                yield _unmet("header", name, wanted, got)
        given = _query_values(head.query) if self._query else {}
        for key, wanted in self._query:
            if given.get(key) != wanted:
                yield _unmet("query", key, wanted, given.get(key))


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
