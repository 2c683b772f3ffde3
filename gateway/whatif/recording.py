"""What the access lines of a route note beside the rest, so that decisions can be replayed.

A route without sticky, in a file without conditions on headers or query keys, notes nothing. For
the others the same customers ask again and again: what is noted of one is made once.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from gateway.routing.decide import Forward
from gateway.routing.snapshot import Route, Snapshot
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
MAX_REMEMBERED = 10_000
"""Customers whose notes are kept to be used again; some 10 MiB."""
_MAX_REMEMBERED_BYTES = 512
"""Of what a customer's notes are made of; with cookies of 8 KiB they would take 100 MiB."""
_NEW_WORK = frozenset({"sticky", "draw"})
"""Reasons; what exists already may well be on the other side."""

_Key = tuple[str, bytes | tuple[bytes | None, ...] | None]
"""The customer's address, and the values of the headers that notes are made of."""
_Asks = list[tuple[bytes, str, bool]]
"""Key as routing looks it up, as it is written, and whether its value is hidden."""


class _Remembered:
    """What is noted of one customer."""

    __slots__ = ("backend", "headers", "noted", "sticky")

    def __init__(self, noted: StickyNotes, headers: Told) -> None:
        self.noted = noted
        self.sticky = encode_part(noted) if noted else None
        self.headers = encode_part(headers) if headers else None
        self.backend = ""
        """Where its new work went last."""


class Notes:
    """What the lines of one route note."""

    __slots__ = ("_headers", "_names", "_query", "_recording", "_seen", "_sources", "remembered")

    def __init__(self, route: Route, headers: _Asks, query: _Asks, recording: Recording) -> None:
        self._recording = recording
        self._headers, self._query = headers, query
        self._sources = [
            (source.source, source.name.encode(), str(source)) for source in route.sticky
        ]
        # What tells customers apart: beside whatever is sticky, the address. One that meets both
        # sides tells of a key that rotates.
        by = dict.fromkeys([*map(str, route.sticky), "client_ip"]) if route.sticky else {}
        self._seen = {text: recording.sightings.seen(route.name, text) for text in by}
        cookies = [b"cookie" for source in route.sticky if source.source == "cookie"]
        sticky_headers = [name for kind, name, _ in self._sources if kind == "header"]
        names = dict.fromkeys([*sticky_headers, *cookies, *(key for key, _, _ in headers)])
        self._names = tuple(names)
        """The headers that the notes are made of."""
        self.remembered: dict[_Key, _Remembered] = {}

    def write(self, line: AccessLine, head: RequestHead) -> None:
        """Note on `line` what `head` carries of all that."""
        names, get = self._names, head.named.get
        # Written out for the one name there mostly is: half the price.
        key = (head.client_ip, get(names[0]) if len(names) == 1 else (*map(get, names),))
        known = self.remembered.get(key)
        if known is None:
            known = self._make(key, head)
        line.sticky = known.sticky
        line.headers = known.headers
        if known.backend != line.backend and line.reason in _NEW_WORK:
            known.backend = line.backend
            self._tell(known, head.client_ip)
        if self._query:
            line.query = self._told(self._query, query_values(head.query))

    def see(self, forward: Forward, head: RequestHead) -> None:
        """Take note of where a customer's new work went, where no line is written."""
        if forward.reason not in _NEW_WORK or not self._sources:
            return
        names, get = self._names, head.named.get
        key = (head.client_ip, get(names[0]) if len(names) == 1 else (*map(get, names),))
        known = self.remembered.get(key) or self._make(key, head)
        if known.backend != forward.backend:
            known.backend = forward.backend
            self._tell(known, head.client_ip)

    def _make(self, key: _Key, head: RequestHead) -> _Remembered:
        sticky = {text: self._note(kind, name, head) for kind, name, text in self._sources}
        made = _Remembered(sticky, self._told(self._headers, head.named))
        if _size(key) <= _MAX_REMEMBERED_BYTES:
            self._recording.make_room()
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

    def _tell(self, known: _Remembered, client_ip: str) -> None:
        """Tell of a customer whose new work goes where it did not go before."""
        for by, seen in self._seen.items():
            noted = known.noted.get(by)
            if noted is None and by == "client_ip" and client_ip:
                noted = self._recording.tokens.noted[client_ip.encode()]
            if noted is not None and not seen.saw(noted.token, known.backend):
                # It is told when it comes again.
                known.backend = ""
                return


class Recording:
    """What is recorded beside the rest, by whichever snapshot serves."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.sightings = Sightings()
        self.sampling = Sampling()
        self.is_sampling = False
        """Whether some of the lines are wanted beside the log."""
        self.notes: dict[str, Notes] = {}
        """Route name -> what its lines note, where that is anything."""
        self._revision = 0
        self._remembered = 0
        self._is_host_hidden = False

    def install(self, snapshot: Snapshot, revision: int) -> None:
        """Begin anew by a snapshot."""
        self.sightings.begin()
        self.is_sampling = snapshot.safety is not None
        self._revision, self._remembered = revision, 0
        asked = asked_by([snapshot])
        hidden = CREDENTIALS.union(snapshot.sensitive.headers)
        self._is_host_hidden = "host" in hidden
        headers = [(name.encode(), name, name in hidden) for name in asked.headers]
        query = [(key.encode(), key, key in snapshot.sensitive.query) for key in asked.query]
        self.notes = {
            route.name: Notes(route, headers, query, self)
            for route in snapshot.routes
            # A Host to be hidden is taken out of every line.
            if route.sticky or headers or query or self._is_host_hidden
        }

    def write(self, line: AccessLine, head: RequestHead) -> None:
        """Note on `line` what its route's lines note.

        A request that was decided under an older revision notes nothing: its head was read for
        what that one asked for.
        """
        if self._is_host_hidden:
            line.host = ""
        notes = self.notes.get(line.route)
        if notes is not None and line.revision == self._revision:
            notes.write(line, head)

    def see(self, forward: Forward, revision: int, head: RequestHead) -> None:
        """As `write`, for a request of which no line is written."""
        notes = self.notes.get(forward.route.name)
        if notes is not None and revision == self._revision:
            notes.see(forward, head)

    def make_room(self) -> None:
        """Make room for the notes of one more customer."""
        if self._remembered >= MAX_REMEMBERED:
            self._forget_notes()
        self._remembered += 1

    def forget(self) -> None:
        """Tell of every customer again: whoever was told is gone."""
        self.sightings.forget()
        self._forget_notes()

    def _forget_notes(self) -> None:
        self._remembered = 0
        for notes in self.notes.values():
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
