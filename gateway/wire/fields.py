"""What a proxy must know of each header field, by name."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum


class Kind(IntEnum):
    """How a field is treated; 0 is the common case, so that a test of it is a truth test."""

    END_TO_END = 0
    HOP = 1
    """Removed: it speaks of one connection only (RFC 9110, section 7.6.1)."""
    CONNECTION = 2
    HOST = 3
    CONTENT_LENGTH = 4
    TRANSFER_ENCODING = 5
    EXPECT = 6
    FORWARDED = 7
    """Says who the customer is: believed from ``trust.proxies`` only."""
    FIGUEIRA = 8
    """``X-Figueira-*``: kept from ``trust.testers`` only."""
    FORGED = 9
    """Removed from everybody: ``Proxy`` (httpoxy), and underscore twins of the fields above, which
    CGI-like backends cannot tell from the real ones."""
    TRACEPARENT = 10
    UPGRADE = 11
    TE = 12
    MAX_FORWARDS = 13
    VIA = 14
    TRAILER = 15
    """Crosses like others; as a trailer itself it would mean nothing."""


_HELD_BACK = frozenset({Kind.FORWARDED, Kind.FIGUEIRA, Kind.FORGED})
_KINDS = {
    b"connection": Kind.CONNECTION,
    b"keep-alive": Kind.HOP,
    b"proxy-connection": Kind.HOP,
    b"proxy-authenticate": Kind.HOP,
    b"proxy-authorization": Kind.HOP,
    b"te": Kind.TE,
    b"upgrade": Kind.UPGRADE,
    b"http2-settings": Kind.HOP,
    b"host": Kind.HOST,
    b"content-length": Kind.CONTENT_LENGTH,
    b"transfer-encoding": Kind.TRANSFER_ENCODING,
    b"expect": Kind.EXPECT,
    b"forwarded": Kind.FORWARDED,
    # Other proxies' ways to say whose request it is, or which path was asked for; frameworks obey.
    b"x-real-ip": Kind.FORWARDED,
    b"x-client-ip": Kind.FORWARDED,
    b"true-client-ip": Kind.FORWARDED,
    b"x-cluster-client-ip": Kind.FORWARDED,
    b"x-original-forwarded-for": Kind.FORWARDED,
    b"x-original-host": Kind.FORWARDED,
    b"x-original-url": Kind.FORWARDED,
    b"x-rewrite-url": Kind.FORWARDED,
    b"proxy": Kind.FORGED,
    b"traceparent": Kind.TRACEPARENT,
    b"max-forwards": Kind.MAX_FORWARDS,
    b"via": Kind.VIA,
    b"trailer": Kind.TRAILER,
}
_MAX_LENGTH_DIGITS = 18
"""10**18 - 1 fits in 63 bits."""
_MAX_REMEMBERED = 2048
"""Spellings of names. A hostile client can only have them forgotten, never grow the table."""
_MAX_REMEMBERED_BYTES = 64
"""Of one name, longer than any in use: with 64 KiB names the table would be 128 MiB."""


class Name:
    """What is known of a field by its name, where there is anything to know."""

    __slots__ = ("is_open", "is_wanted", "kind", "lower")

    def __init__(self, kind: Kind, lower: bytes, *, is_wanted: bool) -> None:
        self.kind = kind
        self.lower = lower
        self.is_wanted = is_wanted
        """Whether routing reads the field."""
        self.is_open = kind not in _HELD_BACK
        """Whether anybody may send it; if not, its sender must be believed before it is read."""


class Names(dict[bytes, Name | None]):
    """Name as received -> what is known of it; None for a field that simply crosses.

    One look-up in C for every name that was seen before.
    """

    def __init__(self, wanted: Collection[bytes] = ()) -> None:
        """Know, beside the kinds, the names `wanted` (lower-case) whose values routing reads."""
        super().__init__()
        self._wanted = frozenset(wanted)

    def __missing__(self, name: bytes) -> Name | None:
        lower = name.lower()
        kind, is_wanted = _judge(lower), lower in self._wanted
        known = Name(kind, lower, is_wanted=is_wanted) if kind or is_wanted else None
        if len(name) <= _MAX_REMEMBERED_BYTES:
            if len(self) >= _MAX_REMEMBERED:
                self.clear()
            self[name] = known
        return known


PLAIN = Names()
"""For whoever wants no values."""


def kind_of(name: bytes) -> Kind:
    """The kind of a field by its name, in any case."""
    known = PLAIN[name]
    return Kind.END_TO_END if known is None else known.kind


def _judge(lower: bytes) -> Kind:
    if lower.startswith(b"x-figueira-"):
        return Kind.FIGUEIRA
    if lower.startswith(b"x-forwarded-"):
        return Kind.FORWARDED
    if b"_" in lower:
        return Kind.FORGED if _judge(lower.replace(b"_", b"-")) else Kind.END_TO_END
    return _KINDS.get(lower, Kind.END_TO_END)


def length_of(value: bytes) -> int | None:
    """The number of a Content-Length (RFC 9110, section 8.6); None if it is none."""
    return int(value) if value.isdigit() and len(value) <= _MAX_LENGTH_DIGITS else None


def listed(value: bytes) -> list[bytes]:
    """The lower-case members of a comma-separated list, without empty ones (RFC 9110, 5.6.1)."""
    return [member for part in value.lower().split(b",") if (member := part.strip())]


class _Members(dict[bytes, frozenset[bytes]]):
    def __missing__(self, value: bytes) -> frozenset[bytes]:
        members = frozenset(listed(value))
        if len(value) <= _MAX_REMEMBERED_BYTES:
            if len(self) >= _MAX_REMEMBERED:
                self.clear()
            self[value] = members
        return members


_remembered_members = _Members()


def members_of(value: bytes) -> frozenset[bytes]:
    """`listed`, as a set, for values that come again and again (Connection's)."""
    return _remembered_members[value]
