"""Which customers' new work went where: told by workers once each, counted by control.

A customer who meets both sides of a split under one revision is told apart by something that does
not last: a session cookie that rotates, an address that many share. What is counted is tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zlib import crc32

import msgspec

from gateway.telemetry.counters import CustomerCount

MAX_REMEMBERED = 50_000
"""Customers that a worker knows to have told of, some 8 MiB; then it forgets and tells again."""
MAX_UNTOLD = 10_000
"""Between two reports; beyond, they are not noted and told when they come again."""
MAX_COUNTED = 200_000
"""Customers that control knows, some 40 MiB; beyond, it looks at every second one, and so on."""
_BOTH = ""
"""In a backend's place: seen on two sides, and nothing more to tell."""


class Sighting(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A customer's new work on a route went to a backend."""

    route: str
    by: str
    """What tells the customer apart, as `gateway.routing.snapshot.Sticky` is written."""
    token: str
    backend: str


class Seen:
    """Customers of one route, told apart in one way, as one worker has seen them."""

    __slots__ = ("_by", "_route", "_sightings", "last")

    def __init__(self, sightings: Sightings, route: str, by: str) -> None:
        self._sightings = sightings
        self._route = route
        self._by = by
        self.last: dict[str, str] = {}
        """Token -> the one backend that its work went to; empty if there were two."""

    def saw(self, token: str, backend: str) -> bool:
        """Note where new work went; False if there is no room for it now."""
        before = self.last.get(token)
        if before in {_BOTH, backend}:
            return True
        if not self._sightings.tell(self, Sighting(self._route, self._by, token, backend)):
            return False
        self.last[token] = backend if before is None else _BOTH
        return True


class Sightings:
    """Everything one worker has to tell, for as long as one revision serves."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Seen] = {}
        self._untold: list[Sighting] = []
        self._remembered = 0

    def seen(self, route: str, by: str) -> Seen:
        """The customers of a route, told apart by `by`."""
        seen = self._seen.get((route, by))
        if seen is None:
            self._seen[route, by] = seen = Seen(self, route, by)
        return seen

    def tell(self, seen: Seen, sighting: Sighting) -> bool:
        """Tell control soon; False if there is no room for it, or it is of an older revision."""
        if self._seen.get((sighting.route, sighting.by)) is not seen:
            return False
        if len(self._untold) >= MAX_UNTOLD:
            return False
        if self._remembered >= MAX_REMEMBERED:
            self._forget_told()
        self._remembered += 1
        self._untold.append(sighting)
        return True

    def take(self) -> list[Sighting]:
        """What is to be told now."""
        untold, self._untold = self._untold, []
        return untold

    def forget(self) -> None:
        """Tell all of it again when it comes: whoever was told is gone."""
        self._untold.clear()
        self._forget_told()

    def _forget_told(self) -> None:
        self._remembered = 0
        for seen in self._seen.values():
            seen.last.clear()

    def begin(self) -> None:
        """Begin anew, for another revision; what `seen` gave before tells nothing any more."""
        self.forget()
        self._seen.clear()


class Sides:
    """What all workers have seen under one revision."""

    def __init__(self) -> None:
        self._revision = 0
        self._last: dict[tuple[str, str], dict[str, str]] = {}
        self._known = 0
        self._shift = 0
        """Of 2**shift customers, one is looked at."""

    def add(self, revision: int, sightings: Iterable[Sighting]) -> None:
        """Take in what a worker tells; an older revision's is of no use any more."""
        if revision < self._revision:
            return
        if revision > self._revision:
            self._revision, self._known, self._shift = revision, 0, 0
            self._last.clear()
        for sighting in sightings:
            self._add(sighting)

    def _add(self, sighting: Sighting) -> None:
        if not self._is_looked_at(sighting.token):
            return
        last = self._last.setdefault((sighting.route, sighting.by), {})
        before = last.get(sighting.token)
        if before is None:
            last[sighting.token] = sighting.backend
            self._known += 1
            if self._known > MAX_COUNTED:
                self._look_at_fewer()
        elif before != sighting.backend:
            last[sighting.token] = _BOTH

    def _is_looked_at(self, token: str) -> bool:
        return crc32(token.encode()) & ((1 << self._shift) - 1) == 0

    def _look_at_fewer(self) -> None:
        self._shift += 1
        for key, last in self._last.items():
            kept = {token: side for token, side in last.items() if self._is_looked_at(token)}
            self._last[key] = kept
        self._known = sum(map(len, self._last.values()))

    def counts(self) -> Iterator[CustomerCount]:
        """The numbers now; exact up to `MAX_COUNTED` customers, beyond it scaled up."""
        for (route, by), last in sorted(self._last.items()):
            both = sum(side == _BOTH for side in last.values())
            yield CustomerCount(route, by, len(last) << self._shift, both << self._shift)
