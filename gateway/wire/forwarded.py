"""What a backend is told of the customer and of the way a request came."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.wire.messages import Header

PSEUDONYM = b"figueira"
_VIA = b"Via: 1.1 %b\r\n" % PSEUDONYM
"""A gateway must say that it stands between (RFC 9110, section 7.6.3); a pseudonym, no version."""
_CHAINS = frozenset({b"forwarded", b"x-forwarded-for"})
"""Lists that each proxy adds the address to that it was asked from."""


class Peer:
    """The other end of a customer's connection, and what backends are told of it."""

    __slots__ = ("_host", "_introduction", "address", "protocol", "scheme")

    def __init__(self, address: str, scheme: bytes = b"http", protocol: str = "HTTP/1.1") -> None:
        self.address = address
        """As text; empty for a Unix socket."""
        self.scheme = scheme
        """``http`` or ``https``: how it is spoken to."""
        self.protocol = protocol
        """What it speaks; its requests may say that they are of HTTP/1.0."""
        self._host: bytes | None = None
        self._introduction = b""

    def introduction(self, host: bytes) -> bytes:
        """The lines for a request to `host` that brought none of its own, Via included.

        Made once: the requests of one connection rarely ask for another host.
        """
        if host != self._host:
            self._host, self._introduction = host, forwarded_lines(self, host)
        return self._introduction


def forwarded_lines(peer: Peer, host: bytes, believed: Sequence[Header] = ()) -> bytes:
    """The X-Forwarded-*, Forwarded and Via lines for a backend, each with its CRLF.

    Args:
        peer: The other end of the customer's connection.
        host: The Host that the customer asked for.
        believed: Forwarded and X-Forwarded-* fields of the request, if `peer` may be believed.
    """
    lines = [_line(n, v) for n, v in believed if n.lower() not in _CHAINS]
    if forwarded := _values(believed, b"forwarded"):
        lines.append(_line(b"Forwarded", b", ".join([*forwarded, b"for=" + _node(peer.address)])))
    address = (peer.address or "unknown").encode()
    chain = _values(believed, b"x-forwarded-for")
    lines.append(_line(b"X-Forwarded-For", b", ".join([*chain, address])))
    present = {name.lower() for name, _ in believed}
    if host and b"x-forwarded-host" not in present:
        lines.append(_line(b"X-Forwarded-Host", host))
    if b"x-forwarded-proto" not in present:
        lines.append(_line(b"X-Forwarded-Proto", peer.scheme))
    lines.append(_VIA)
    return b"".join(lines)


def _values(received: Sequence[Header], wanted: bytes) -> list[bytes]:
    """A list field's lines, in order, without empty ones."""
    return [v for name, value in received if name.lower() == wanted and (v := value.strip())]


def _line(name: bytes, value: bytes) -> bytes:
    return b"%b: %b\r\n" % (name, value)


def _node(peer: str) -> bytes:
    """An address as RFC 7239, section 6, writes it."""
    if not peer:
        return b"unknown"
    return b'"[%b]"' % peer.encode() if ":" in peer else peer.encode()
