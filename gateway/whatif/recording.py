"""What the access lines of a route note beside the rest, so that decisions can be replayed.

A route without sticky, in a file without conditions on headers or query keys, notes nothing. For
the others the same customers ask again and again: what is noted of one is made once.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from gateway.routing.decide import Forward
from gateway.routing.snapshot import Snapshot, Sticky
from gateway.routing.sticky import cookie
from gateway.telemetry.access_line import (
    AccessLine,
    Hidden,
    Noted,
    StickyNotes,
    Told,
    encode_part,
)
from gateway.whatif.asked import CREDENTIALS, asked_by
from gateway.whatif.recent import Sampling
from gateway.whatif.sightings import Sightings
from gateway.whatif.tokens import Tokens
from gateway.wire.messages import RequestHead

LONGEST_TOLD_BYTES = 128
"""Of a value; a longer one stands as a token. Values that routes ask for are words."""
MAX_REMEMBERED_BYTES = 12 << 20
"""Of what is kept to be used again: of 10,000 customers where a hundred routes note alike, of 4,000
where a thousand do; beyond, it is forgotten and made anew."""
_NOTES_BYTES, _PLACE_BYTES = 1024, 2
"""What the notes of a customer take, and where its new work went on one route."""
_MAX_KEY_BYTES = 512
"""Of what a customer's notes are made of; with cookies of 8 KiB they would take 100 MiB."""
_NEW_WORK = frozenset({"sticky", "draw"})
"""Reasons; what exists already may well be on the other side."""

_Key = tuple[str, bytes | tuple[bytes | None, ...] | None]
"""The customer's address, and the values of the headers that notes are made of."""
_Asks = list[tuple[bytes, str, bool]]
"""Key as routing looks it up, as it is written, and whether its value is hidden."""


class _Remembered:
    """What is noted of one customer, on whichever of the routes that note alike."""

    __slots__ = ("headers", "noted", "sticky", "went")

    def __init__(self, noted: StickyNotes, headers: Told, routes: int) -> None:
        self.noted = noted
        self.sticky = encode_part(noted) if noted else None
        self.headers = encode_part(headers) if headers else None
        self.went = array("H", bytes(_PLACE_BYTES * routes))
        """By the route's place, the number of the backend that its new work went to last; 0 where
        it went to none. Of all that is looked at for each request there is most of this."""


class Notes:
    """What the lines of all routes note that have the same sticky sources.

    A customer of a thousand such routes is remembered once, not a thousand times.
    """

    __slots__ = (
        "_by",
        "_headers",
        "_names",
        "_numbers",
        "_query",
        "_recording",
        "_sources",
        "remembered",
        "routes",
    )

    def __init__(
        self, sticky: Sequence[Sticky], headers: _Asks, query: _Asks, recording: Recording
    ) -> None:
        self._recording = recording
        self._numbers = recording.numbers
        self.routes = 0
        """How many there are."""
        self._headers, self._query = headers, query
        self._sources = [(source.source, source.name.encode(), str(source)) for source in sticky]
        # What tells customers apart: beside whatever is sticky, the address. One that meets both
        # sides tells of a key that rotates.
        self._by = tuple(dict.fromkeys([*map(str, sticky), "client_ip"]) if sticky else ())
        cookies = [b"cookie" for source in sticky if source.source == "cookie"]
        sticky_headers = [name for kind, name, _ in self._sources if kind == "header"]
        names = dict.fromkeys([*sticky_headers, *cookies, *(key for key, _, _ in headers)])
        self._names = tuple(names)
        """The headers that the notes are made of."""
        self.remembered: dict[_Key, _Remembered] = {}

    def write(self, line: AccessLine, head: RequestHead, place: int) -> None:
        """Note on `line` what `head` carries of all that; `place` is that of the line's route."""
        names, get = self._names, head.named.get
        # Written out for the one name there mostly is: half the price.
        key = (head.client_ip, get(names[0]) if len(names) == 1 else (*map(get, names),))
        known = self.remembered.get(key)
        if known is None:
            known = self._make(key, head)
        line.sticky = known.sticky
        line.headers = known.headers
        if line.reason in _NEW_WORK and known.went[place] != self._numbers[line.backend]:
            self._tell(known, (line.route, place), line.backend, head.client_ip)
        if self._query:
            line.query = self._told(self._query, query_values(head.query))

    def see(self, forward: Forward, head: RequestHead, place: int) -> None:
        """Take note of where a customer's new work went, where no line is written."""
        if forward.reason not in _NEW_WORK or not self._sources:
            return
        names, get = self._names, head.named.get
        key = (head.client_ip, get(names[0]) if len(names) == 1 else (*map(get, names),))
        known = self.remembered.get(key) or self._make(key, head)
        if known.went[place] != self._numbers[forward.backend]:
            self._tell(known, (forward.route.name, place), forward.backend, head.client_ip)

    def _make(self, key: _Key, head: RequestHead) -> _Remembered:
        sticky = {text: self._note(kind, name, head) for kind, name, text in self._sources}
        made = _Remembered(sticky, self._told(self._headers, head.named), self.routes)
        if _size(key) <= _MAX_KEY_BYTES:
            self._recording.make_room(_NOTES_BYTES + _PLACE_BYTES * self.routes)
            self.remembered[key] = made
        return made

    def _note(self, kind: str, name: bytes, head: RequestHead) -> Noted | None:
        noted = self._recording.tokens.noted
        if kind == "client_ip":
            value: bytes | None = head.client_ip.encode()
        else:
            value = head.named.get(name if kind == "header" else b"cookie")
            if kind == "cookie" and value:
                value = cookie(value, name)
        return noted[value] if value else None

    def _told(self, asks: _Asks, given: dict[bytes, bytes]) -> Told:
        return {
            name: None if (value := given.get(key)) is None else self._tell_value(value, hide=hide)
            for key, name, hide in asks
        }

    def _tell_value(self, value: bytes, *, hide: bool) -> str | Hidden:
        if not hide and len(value) <= LONGEST_TOLD_BYTES:
            try:
                return value.decode()
            except UnicodeDecodeError:
                pass  # no text: it cannot stand in a line as it is
        return Hidden(self._recording.tokens.noted[value].token)

    def _tell(
        self, known: _Remembered, route: tuple[str, int], backend: str, client_ip: str
    ) -> None:
        """Tell of a customer whose new work goes where it did not go before."""
        sightings, (name, place) = self._recording.sightings, route
        for by in self._by:
            noted = known.noted.get(by)
            if noted is None and by == "client_ip" and client_ip:
                noted = self._recording.tokens.noted[client_ip.encode()]
            if noted is not None and not sightings.seen(name, by).saw(noted.token, backend):
                # It is told when it comes again.
                return
        known.went[place] = self._numbers[backend]


class Recording:
    """What is recorded beside the rest, by whichever snapshot serves."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.sightings = Sightings()
        self.sampling = Sampling()
        self.is_sampling = False
        """Whether some of the lines are wanted beside the log."""
        self.notes: dict[str, tuple[Notes, int]] = {}
        """Route name -> what its lines note, where that is anything, and its place there."""
        self.numbers: dict[str, int] = {}
        """Backend -> its number, from 1 on. A file has room for fewer than 65,536."""
        self._by_sticky: dict[tuple[Sticky, ...], Notes] = {}
        self._revision = 0
        self._remembered_bytes = 0
        self._is_host_hidden = False

    def install(self, snapshot: Snapshot, revision: int) -> None:
        """Begin anew by a snapshot."""
        self.sightings.begin()
        self.is_sampling = snapshot.safety is not None
        self._revision, self._remembered_bytes = revision, 0
        asked = asked_by([snapshot])
        hidden = CREDENTIALS.union(snapshot.sensitive.headers)
        self._is_host_hidden = "host" in hidden
        headers = [(name.encode(), name, name in hidden) for name in asked.headers]
        query = [(key.encode(), key, key in snapshot.sensitive.query) for key in asked.query]
        self.numbers = {each.name: number for number, each in enumerate(snapshot.backends, 1)}
        self.notes, self._by_sticky = {}, {}
        for route in snapshot.routes:
            # A Host to be hidden is taken out of every line.
            if route.sticky or headers or query or self._is_host_hidden:
                notes = self._by_sticky.get(route.sticky)
                if notes is None:
                    notes = Notes(route.sticky, headers, query, self)
                    self._by_sticky[route.sticky] = notes
                self.notes[route.name] = notes, notes.routes
                notes.routes += 1

    def write(self, line: AccessLine, head: RequestHead) -> None:
        """Note on `line` what its route's lines note.

        A request that was decided under an older revision notes nothing: its head was read for
        what that one asked for.
        """
        if self._is_host_hidden:
            line.host = ""
        found = self.notes.get(line.route)
        if found is not None and line.revision == self._revision:
            notes, place = found
            notes.write(line, head, place)

    def see(self, forward: Forward, revision: int, head: RequestHead) -> None:
        """As `write`, for a request of which no line is written."""
        found = self.notes.get(forward.route.name)
        if found is not None and revision == self._revision:
            notes, place = found
            notes.see(forward, head, place)

    def make_room(self, size_bytes: int) -> None:
        """Make room for so much more to be remembered."""
        if self._remembered_bytes + size_bytes > MAX_REMEMBERED_BYTES:
            self._forget_notes()
        self._remembered_bytes += size_bytes

    def forget(self) -> None:
        """Tell of every customer again: whoever was told is gone."""
        self.sightings.forget()
        self._forget_notes()

    def _forget_notes(self) -> None:
        self._remembered_bytes = 0
        for notes in self._by_sticky.values():
            notes.remembered.clear()


def _size(key: _Key) -> int:
    values = key[1] if isinstance(key[1], tuple) else (key[1],)
    return len(key[0]) + sum(len(value) for value in values if value is not None)


def query_values(query: bytes) -> dict[bytes, bytes]:
    """Percent-decoded key -> its first value (Gateway API: later repeats are not looked at)."""
    values: dict[bytes, bytes] = {}
    if query:
        for pair in query.split(b"&"):
            key, _, value = pair.replace(b"+", b" ").partition(b"=")
            values.setdefault(unquote_to_bytes(key), unquote_to_bytes(value))
    return values
