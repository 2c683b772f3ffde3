"""What a backend is told of the customer and of the way a request came."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.wire.messages import Header

VIA = b"Via: 1.1 figueira\r\n"
"""A gateway must say that it stands between (RFC 9110, section 7.6.3); a pseudonym, no version."""
_CHAINS = frozenset({b"forwarded", b"x-forwarded-for"})
"""Lists that each proxy adds the address to that it was asked from."""


def forwarded_lines(peer: str, host: bytes, received: Sequence[Header], *, believed: bool) -> bytes:
    """The X-Forwarded-* and Forwarded lines for a backend, each with its CRLF.

    Args:
        peer: Address of the other end of the customer's connection; empty for a Unix socket.
        host: The Host that the customer asked for.
        received: Forwarded and X-Forwarded-* fields of the request.
        believed: Whether the peer is in ``trust.proxies``; if not, `received` is dropped.
    """
    address = (peer or "unknown").encode()
    if not (received and believed):
        return _line(b"X-Forwarded-For", address) + _defaults(host, frozenset())
    lines = [_line(n, v) for n, v in received if n.lower() not in _CHAINS]
    if forwarded := _values(received, b"forwarded"):
        lines.append(_line(b"Forwarded", b", ".join([*forwarded, b"for=" + _node(peer)])))
    chain = _values(received, b"x-forwarded-for")
    lines.append(_line(b"X-Forwarded-For", b", ".join([*chain, address])))
    lines.append(_defaults(host, frozenset(name.lower() for name, _ in received)))
    return b"".join(lines)


def _values(received: Sequence[Header], wanted: bytes) -> list[bytes]:
    """A list field's lines, in order, without empty ones."""
    return [v for name, value in received if name.lower() == wanted and (v := value.strip())]


def _defaults(host: bytes, present: frozenset[bytes]) -> bytes:
    lines = b""
    if host and b"x-forwarded-host" not in present:
        lines += _line(b"X-Forwarded-Host", host)
    if b"x-forwarded-proto" not in present:
        lines += _line(b"X-Forwarded-Proto", b"http")
    return lines


def _line(name: bytes, value: bytes) -> bytes:
    return b"%b: %b\r\n" % (name, value)


def _node(peer: str) -> bytes:
    """An address as RFC 7239, section 6, writes it."""
    if not peer:
        return b"unknown"
    return b'"[%b]"' % peer.encode() if ":" in peer else peer.encode()
