"""The compiled routes.yaml: frozen, plain data, built once per reload.

Everything here can be sent to a worker as data; what only speeds up look-ups is built from it in
`gateway.routing.table`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gateway.parallel_run.plan import ParallelRun
from gateway.routing.protection import Breaker, Fallback, Health, SoftError

BUCKETS = 100_000
"""Shares are steps of 0.001 %: one bucket each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a backend may take, in seconds, each > 0."""

    connect_s: float = 1.0
    """Until a connection to one address stands, the TLS handshake included."""
    first_byte_s: float = 60.0
    """From the last byte of the request sent to the first byte of the answer. Generous: the
    monolith makes pictures inside the request."""
    idle_s: float = 30.0
    """Between two pieces of a body, either way."""
    total_s: float | None = None
    """From the request's head read to the answer's end; None sets no limit: a long download is no
    fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One place where a backend listens: a host and a port, or else a Unix socket."""

    host: str = ""
    """Host name or address; an IPv6 address without brackets. Empty for a Unix socket."""
    port: int = 0
    path: str = ""
    """Absolute path of a Unix socket; empty for a host."""

    def __str__(self) -> str:
        """``host:port`` as it is written in a URL, or ``unix:/path``."""
        if self.path:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How a backend proves who it is; nothing turns the proof off."""

    ca: str = ""
    """Certificates in PEM that alone are trusted; empty trusts those of the system. Held here and
    not read again, so that a worker started later trusts what was accepted."""
    server_name: str = ""
    """The name that is asked for (SNI) and has to be in the certificate; empty: each address's
    own host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A configured destination (``backends.NAME``)."""

    name: str
    addresses: tuple[Address, ...]
    """Where it listens; never empty, each once. They are equals: any may serve any request."""
    tls: Tls | None = None
    """None speaks plain HTTP."""
    timeouts: Timeouts = Timeouts()
    max_connections: int = 256
    """Connections open at once, to all addresses together, per worker; a request beyond them waits
    its turn."""
    max_waiting: int | None = None
    """Requests that may wait their turn, per worker; None: as many as `max_connections`."""
    health: Health | None = None
    """None: nobody probes."""
    breaker: Breaker | None = None
    """None: nobody counts."""
    soft_errors: tuple[SoftError, ...] = ()
    """Answers that count as another status than they say, in order; the first match counts."""
    fallback: Fallback | None = None
    """None: whoever is unavailable is not answered for."""

    @property
    def authority(self) -> str:
        """Host for a request that brought none (HTTP/1.0): it can go to any of the addresses.

        ``host:port`` of the first, with the name that TLS asks for if there is one; ``localhost``
        for a Unix socket.
        """
        first = self.addresses[0]
        if first.path:
            return "localhost"
        if self.tls is not None and self.tls.server_name:
            return str(Address(host=self.tls.server_name, port=first.port))
        return str(first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One set of conditions; all of them must hold.

    Exactly one of `path`, `path_regex` and `path_prefix`.
    """

    path: str | None = None
    """The whole canonical path, exactly (Gateway API ``PathMatchExact``)."""
    path_regex: str | None = None
    """A pattern of the whole canonical path, in RE2's syntax (Gateway API
    ``PathMatchRegularExpression``)."""
    path_prefix: str | None = None
    """Whole segments, no trailing slash except for ``/`` itself: ``/images`` matches ``/images``
    and ``/images/7``, not ``/imagesX`` (Gateway API ``PathMatchPathPrefix``)."""
    hosts: tuple[str, ...] = ()
    """Any of these: a name, or ``*.`` before one, which stands for one or more labels; empty means
    any host. In lower case, without port or final dot; an IPv6 address in its short form, without
    brackets."""
    methods: tuple[str, ...] = ()
    """Any of these; empty means any method."""
    headers: tuple[tuple[str, str], ...] = ()
    """(lower-case name, exact value): all of them."""
    query: tuple[tuple[str, str], ...] = ()
    """(key, exact value), percent-decoded: all of them, looking at each key's first value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A backend's part of a split: the half-open range of buckets ``[start, end)``."""

    backend: str
    start: int
    end: int

    @property
    def percent(self) -> float:
        """As routes.yaml writes it, up to three decimals."""
        return round((self.end - self.start) * 100 / BUCKETS, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sticky:
    """A request attribute that keeps a customer on one side."""

    source: Literal["header", "cookie", "client_ip"]
    name: str = ""
    """Header (lower-case) or cookie name; empty for ``client_ip``."""

    def __str__(self) -> str:
        """As in routes.yaml: ``header:X``, ``cookie:X`` or ``client_ip``."""
        return f"{self.source}:{self.name}" if self.name else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class IdRange:
    """Ids that a backend created, both ends included; ``last`` None means no upper end."""

    backend: str
    first: int
    last: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdPrefix:
    """What the ids that a backend created begin with; plain characters, compared as they stand."""

    backend: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """How the lists of several backends become one."""

    id: tuple[str, ...] = ("id",)
    """The keys that lead to a record's id, from the record inwards."""
    order: Literal["ascending", "descending", "as_listed"] = "ascending"
    """By id; or each backend's records as it lists them, one backend behind the other."""
    query: tuple[str, ...] | None = None
    """Keys, percent-decoded, that a request for the list may have; None: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who serves a resource that already exists: the side that created it."""

    collection: str
    """Canonical path of the collection: ``/images`` for ``id: "/images/{id}"``. A segment ``{}``
    stands for any one segment."""
    ranges: tuple[IdRange, ...] = ()
    """In ascending order, without overlap."""
    prefixes: tuple[IdPrefix, ...] = ()
    """None begins another."""
    unknown: str
    """Backend for an id in no range and with no prefix; comes first where lists are merged."""
    lists: str
    """Backend that answers everything on the collection itself except creation (POST)."""
    second_look: str | None = None
    """Backend that is asked as well, by safe methods, for an unknown id that `unknown` misses."""
    merge: Merge | None = None
    """If there is one, GET and HEAD on the collection ask all of `sides`, and `lists` is for the
    other methods alone."""

    @property
    def sides(self) -> tuple[str, ...]:
        """Every backend that may hold a resource: the one for unknown ids, then the others."""
        creators = [each.backend for each in self.ranges]
        creators += [each.backend for each in self.prefixes]
        others = [self.second_look] if self.second_look is not None else []
        return tuple(dict.fromkeys([self.unknown, *creators, *others]))

    @property
    def merged(self) -> str:
        """What stands for all sides together where one backend's name does for others.

        No name has a ``+``.
        """
        return "+".join(self.sides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An entry of ``routes``: conditions, and exactly one of `backend` and `shares`."""

    name: str
    matches: tuple[Match, ...]
    """Any of these; never empty."""
    backend: str | None = None
    shares: tuple[Share, ...] = ()
    """In bucket order, covering ``[0, BUCKETS)``; a backend of weight 0 has an empty range."""
    sticky: tuple[Sticky, ...] = ()
    """Tried in order; the first that the request carries decides the bucket."""
    owner: Owner | None = None
    parallel_run: str | None = None
    """The name of the run that its requests are eligible for."""

    @property
    def backends(self) -> tuple[str, ...]:
        """Every backend this route can choose, without repeats."""
        names = [self.backend] if self.backend else [share.backend for share in self.shares]
        if self.owner:
            names += [*self.owner.sides, self.owner.lists]
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who is believed, as CIDR text (``127.0.0.0/8``); empty means nobody."""

    proxies: tuple[str, ...] = ()
    """Peers whose X-Forwarded-For names the customer."""
    testers: tuple[str, ...] = ()
    """Customers whose X-Figueira-* headers are kept; everybody else's are removed."""
    pin_secret: str = field(default="", repr=False)
    """What signed pins are signed with; empty: none is honoured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitive:
    """What access lines hold as tokens, where routes match on it (``access_log``)."""

    headers: tuple[str, ...] = ()
    """Lower-case names."""
    query: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """Which changes of routes.yaml are refused."""

    max_moved_percent: float
    """Of the recorded traffic, 0..100: a change that moves more is refused unless forced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One side's way out to its collaborator (``egress.sides.NAME``)."""

    side: str
    """The name of a backend: who calls."""
    prefix: str
    """Of the paths that it asks for; no slash at its end."""
    to: Backend
    host: str
    """As the collaborator's Host header has it."""
    path: str
    """What takes the prefix's place; no slash at its end, empty for the root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """Where calls to collaborators leave the house (``egress``)."""

    host: str
    port: int
    doors: tuple[Door, ...]
    names: tuple[str, ...] = ()
    """Hosts that it is asked by, in lower case, beside loopback and its own address."""
    unmatched_per_day: int = 0
    """Calls of trials without a twin that are sent on all the same, and paid for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One compiled routes.yaml."""

    digest: str
    """SHA-256 of the file's bytes, hexadecimal."""
    trust: Trust
    backends: tuple[Backend, ...]
    routes: tuple[Route, ...]
    """In file order; the last one matches everything."""
    sensitive: Sensitive = Sensitive()
    safety: Safety | None = None
    """None refuses no change for what it moves."""
    parallel_runs: tuple[ParallelRun, ...] = ()
    """In file order."""
    egress: Egress | None = None
    """None: nothing listens."""
