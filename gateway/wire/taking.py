"""What becomes of each field of a request that is more than something to pass on."""

from __future__ import annotations

from collections.abc import Callable

from gateway.wire.fields import Kind, Name, length_of, listed, members_of
from gateway.wire.forwarded import PSEUDONYM
from gateway.wire.inbound import BadRequest, Body, Inbound, malformed
from gateway.wire.messages import Header

_SPACE = b" \t"
_MAX_DIGITS = 9
MAX_PASSAGES = 2
"""Two gateways of this kind may stand before this one; more of them are one that is its own
backend, where each request would otherwise take every connection there is."""


def take_known(inbound: Inbound, known: Name, line: Header) -> None:
    """Put a field that does not simply cross where its kind belongs."""
    kind = known.kind
    if known.is_wanted and known.is_open:
        keep_named(inbound.named, known.lower, line[1])
    if take := _TAKING[kind]:
        take(inbound, line[0], line[1].strip(_SPACE))


def _pass(inbound: Inbound, name: bytes, value: bytes) -> None:
    inbound.lines.append((name, value))


def _take_host(inbound: Inbound, name: bytes, value: bytes) -> None:
    if inbound.host is not None:
        raise malformed("A request has exactly one Host.")
    inbound.host = value
    inbound.lines.append((name, value))


def _take_connection(inbound: Inbound, _name: bytes, value: bytes) -> None:
    inbound.has_hop = True
    inbound.connection |= members_of(value)


def _drop_hop(inbound: Inbound, _name: bytes, _value: bytes) -> None:
    inbound.has_hop = True


def _take_length(inbound: Inbound, name: bytes, value: bytes) -> None:
    if inbound.body is not Body.NONE:
        raise malformed("The body's length is given more than once.")
    length = length_of(value)
    if length is None:
        raise malformed("Content-Length is not a number.")
    inbound.body, inbound.length = Body.LENGTH, length
    inbound.lines.append((name, value))


def _take_coding(inbound: Inbound, name: bytes, value: bytes) -> None:
    if inbound.body is not Body.NONE:
        raise malformed("The body's length is given more than once.")
    if value.lower() != b"chunked" or not inbound.is_http11:
        raise malformed("The only transfer coding understood is chunked, in HTTP/1.1.")
    inbound.body = Body.CHUNKED
    inbound.lines.append((name, b"chunked"))


def _take_expect(inbound: Inbound, name: bytes, value: bytes) -> None:
    # HTTP/1.0 knows no interim answers: there it must be ignored (RFC 9110, section 10.1.1).
    if inbound.is_http11:
        inbound.expects_continue |= b"100-continue" in listed(value)
        inbound.lines.append((name, value))


def _take_upgrade(inbound: Inbound, _name: bytes, value: bytes) -> None:
    inbound.upgrade = value if inbound.upgrade is None else inbound.upgrade + b", " + value


def _take_te(inbound: Inbound, _name: bytes, value: bytes) -> None:
    inbound.takes_trailers |= b"trailers" in listed(value)


def _take_max_forwards(inbound: Inbound, name: bytes, value: bytes) -> None:
    """Count down, for OPTIONS alone (RFC 9110, section 7.6.2); TRACE is not supported."""
    if inbound.method == b"OPTIONS" and value.isdigit() and len(value) <= _MAX_DIGITS:
        if not int(value):
            raise BadRequest(204, "No Content", "")
        value = b"%d" % (int(value) - 1)
    inbound.lines.append((name, value))


def _take_via(inbound: Inbound, name: bytes, value: bytes) -> None:
    passages = sum(member.split()[1:2] == [PSEUDONYM] for member in listed(value))
    inbound.passages += passages
    if inbound.passages > MAX_PASSAGES:
        raise BadRequest(508, "Loop Detected", "The request comes back again and again.")
    inbound.lines.append((name, value))


def _take_traceparent(inbound: Inbound, name: bytes, value: bytes) -> None:
    inbound.traceparent = value
    inbound.lines.append((name, value))


def _hold_forwarded(inbound: Inbound, name: bytes, value: bytes) -> None:
    inbound.forwarded = [*(inbound.forwarded or ()), (name, value)]


def _hold_private(inbound: Inbound, name: bytes, value: bytes) -> None:
    inbound.private = [*(inbound.private or ()), (name, value)]


_TAKERS: dict[Kind, Callable[[Inbound, bytes, bytes], None]] = {
    Kind.HOST: _take_host,
    Kind.CONNECTION: _take_connection,
    Kind.HOP: _drop_hop,
    Kind.CONTENT_LENGTH: _take_length,
    Kind.TRANSFER_ENCODING: _take_coding,
    Kind.EXPECT: _take_expect,
    Kind.UPGRADE: _take_upgrade,
    Kind.TE: _take_te,
    Kind.MAX_FORWARDS: _take_max_forwards,
    Kind.VIA: _take_via,
    Kind.TRAILER: _pass,
    Kind.TRACEPARENT: _take_traceparent,
    Kind.FORWARDED: _hold_forwarded,
    Kind.FIGUEIRA: _hold_private,
}
"""What is not here is removed."""
_TAKING = tuple(map(_TAKERS.get, Kind))
"""By kind as an index: the hash of an enum's member is a call into Python."""


def keep_named(named: dict[bytes, bytes], lower: bytes, value: bytes) -> None:
    """Add a field line to the values that routing reads."""
    value = value.strip(_SPACE)
    before = named.get(lower)
    if before is not None:
        value = before + (b"; " if lower == b"cookie" else b", ") + value
    named[lower] = value
