"""Which attribute of a request keeps its customer on one side, and that attribute's value."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.routing.snapshot import Sticky
from gateway.wire.messages import RequestHead


class StickyIndex:
    """One route's `sticky` sources, ready to be read."""

    __slots__ = ("_sources",)

    def __init__(self, sources: Sequence[Sticky]) -> None:
        self._sources = [
            (_READERS[sticky.source], sticky.name.encode(), str(sticky)) for sticky in sources
        ]

    def find(self, head: RequestHead) -> tuple[str, bytes]:
        """The first source that the request carries, as text, and its raw value; empty if none."""
        for read, name, text in self._sources:
            value = head.named.get(name) if read is None else read(head, name)
            if value:
                return text, value
        return "", b""


def _client_ip(head: RequestHead, _name: bytes) -> bytes:
    return head.client_ip.encode()


def _cookie(head: RequestHead, name: bytes) -> bytes | None:
    return cookie(head.named.get(b"cookie", b""), name)


_READERS = {"header": None, "cookie": _cookie, "client_ip": _client_ip}
"""None where a look-up does."""


def cookie(header: bytes, name: bytes) -> bytes | None:
    """The first cookie called `name` in a Cookie header's value (RFC 6265, section 4.2.1)."""
    for pair in header.split(b";"):
        key, equals, value = pair.partition(b"=")
        if equals and key.strip() == name:
            return value.strip()
    return None
