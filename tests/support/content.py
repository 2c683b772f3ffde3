"""Bytes of any length whose every block differs: nothing can be lost, repeated or reordered."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from functools import cache

MIB = 1 << 20
NUMBER_BYTES = 8
"""At the start of each MiB."""


@cache
def _noise() -> bytes:
    # Noise, so that no compression on the way could hide what the size costs.
    return random.Random(11).randbytes(MIB - NUMBER_BYTES)


def block(number: int) -> bytes:
    """The block of 1 MiB that begins at `number` MiB."""
    return number.to_bytes(NUMBER_BYTES) + _noise()


def content(size_bytes: int, start: int = 0) -> Iterator[bytes]:
    """The bytes from `start` on, in pieces of 1 MiB at most."""
    end = start + size_bytes
    while start < end:
        number, offset = divmod(start, MIB)
        piece = block(number)[offset : offset + end - start]
        yield piece
        start += len(piece)


@cache
def digest(size_bytes: int, start: int = 0) -> str:
    """SHA-256 of those bytes, in hexadecimal."""
    sha = hashlib.sha256()
    for piece in content(size_bytes, start):
        sha.update(piece)
    return sha.hexdigest()
