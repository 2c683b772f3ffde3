"""Content codings, undone for comparison alone: the customer's bytes stay as they came."""

from __future__ import annotations

import zlib
from collections.abc import Callable

MOST_BYTES = 32 * 1024 * 1024
"""Of a decoded body: four times what is kept of an answer. More is a bomb, or not comparable."""
_GZIP = 16 + zlib.MAX_WBITS
_MOST_MEMBERS = 100
"""Of gzip; what is behind one is copied for the next, and servers send one."""


class CodingError(ValueError):
    """A body that cannot be decoded; the message says why."""


def decoded(body: bytes, codings: bytes) -> bytes:
    """The body without its content codings (RFC 9110, section 8.4).

    Args:
        body: As it came.
        codings: The value of Content-Encoding, in the order they were applied.

    Raises:
        CodingError: A coding is not known, the body is broken, or it grows beyond `MOST_BYTES`.
    """
    for name in reversed([each.strip().lower() for each in codings.split(b",") if each.strip()]):
        undo = _CODINGS.get(name)
        if undo is None:
            raise CodingError(f"content coding {name.decode('latin-1')!r} is not known")
        body = undo(body)
    return body


def _same(body: bytes) -> bytes:
    return body


def _gunzip(body: bytes) -> bytes:
    """All members, one behind the other, as readers take them for one (RFC 1952, section 2.2)."""
    piece, rest = _unpack(body, _GZIP, MOST_BYTES)
    found, members = bytearray(piece), 1
    while rest:
        members += 1
        if members > _MOST_MEMBERS:
            raise CodingError(f"the compressed body has more than {_MOST_MEMBERS} members")
        piece, rest = _unpack(rest, _GZIP, MOST_BYTES - len(found))
        found += piece
    return bytes(found)


def _deflate(body: bytes) -> bytes:
    """RFC 9110 means zlib's format; some servers send the bare stream (section 8.4.1.2, note)."""
    try:
        found, rest = _unpack(body, zlib.MAX_WBITS, MOST_BYTES)
    except CodingError:
        found, rest = _unpack(body, -zlib.MAX_WBITS, MOST_BYTES)
    if rest:
        raise CodingError("the compressed body is followed by something else")
    return found


def _unpack(body: bytes, window: int, most_bytes: int) -> tuple[bytes, bytes]:
    """One compressed stream, and what stands behind it."""
    engine = zlib.decompressobj(window)
    try:
        found = engine.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise CodingError(f"the compressed body is broken: {error}") from None
    if len(found) > most_bytes:
        raise CodingError(f"the body grows beyond {MOST_BYTES} bytes")
    if not engine.eof:
        raise CodingError("the compressed body is cut short")
    return found, engine.unused_data


_CODINGS: dict[bytes, Callable[[bytes], bytes]] = {
    b"identity": _same,
    b"gzip": _gunzip,
    b"x-gzip": _gunzip,
    b"deflate": _deflate,
}
