"""Content codings, undone for comparison alone: the customer's bytes stay as they came."""

from __future__ import annotations

import zlib
from collections.abc import Callable

MOST_BYTES = 32 * 1024 * 1024
"""Of a decoded body: four times what is kept of an answer. More is a bomb, or not comparable."""
_ANY_WINDOW = 32 + zlib.MAX_WBITS
"""gzip or zlib, by their first bytes."""


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


def _inflate(body: bytes) -> bytes:
    return _unpack(body, _ANY_WINDOW)


def _deflate(body: bytes) -> bytes:
    """RFC 9110 means zlib's format; some servers send the bare stream (section 8.4.1.2, note)."""
    try:
        return _unpack(body, _ANY_WINDOW)
    except CodingError:
        return _unpack(body, -zlib.MAX_WBITS)


def _unpack(body: bytes, window: int) -> bytes:
    engine = zlib.decompressobj(window)
    try:
        found = engine.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise CodingError(f"the compressed body is broken: {error}") from None
    if len(found) > MOST_BYTES:
        raise CodingError(f"the body grows beyond {MOST_BYTES} bytes")
    if not engine.eof:
        raise CodingError("the compressed body is cut short")
    return found


_CODINGS: dict[bytes, Callable[[bytes], bytes]] = {
    b"identity": _same,
    b"gzip": _inflate,
    b"x-gzip": _inflate,
    b"deflate": _deflate,
}
