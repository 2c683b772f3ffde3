"""Which attribute of a request keeps its customer on one side, and that attribute's value."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.routing.snapshot import Sticky
from gateway.wire.messages import RequestHead


def sticky_value(sources: Sequence[Sticky], head: RequestHead) -> tuple[Sticky, bytes] | None:
    """The first source that the request carries, with its raw value; None if it carries none."""
    for sticky in sources:
        value = _value(sticky, head)
        if value:
            return sticky, value
    return None


def _value(sticky: Sticky, head: RequestHead) -> bytes | None:
    if sticky.source == "header":
        return head.named.get(sticky.name.encode())
    if sticky.source == "client_ip":
        return head.client_ip.encode()
    return cookie(head.named.get(b"cookie", b""), sticky.name.encode())


def cookie(header: bytes, name: bytes) -> bytes | None:
    """The first cookie called `name` in a Cookie header's value (RFC 6265, section 4.2.1)."""
    for pair in header.split(b";"):
        key, equals, value = pair.partition(b"=")
        if equals and key.strip() == name:
            return value.strip()
    return None
