"""Tokens: they tell customers apart, and not who they are.

A token is the same for the same value as long as the key stays, so it can be counted and compared.
Whoever has the key can test a guess, so the key is kept like a password.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode

from gateway.routing.split import bucket_of
from gateway.telemetry.access_line import Noted

LEAST_KEY_BYTES = 16
"""128 bits: the values are short, the key is all that stands before a search for them."""
_TOKEN_BYTES = 9
"""72 bits, 12 characters: of a billion customers, two have the same once in ten thousand."""
_MAX_REMEMBERED = 16_384
"""Customers; a few MiB. More can only have the table forgotten, never grow it."""
_MAX_REMEMBERED_BYTES = 256
"""Of one value, longer than any identifier; with values of 64 KiB the table would be 1 GiB."""


class Tokens:
    """Tokens by one key."""

    def __init__(self, key: bytes) -> None:
        """Take a key of at least `LEAST_KEY_BYTES`, secret and random."""
        self._key = key
        self.seed = int.from_bytes(hmac.digest(key, b"sample", "sha256")[:8], "big")
        """For buckets that nobody foresees; 64 bits."""
        self.noted: dict[bytes, Noted] = _Remembered(self)
        """Sticky value -> what is noted of it; one look-up in C for a value seen before."""

    def token(self, value: bytes) -> str:
        """The token of a value: 12 characters of base64url."""
        digest = hmac.digest(self._key, value, "sha256")[:_TOKEN_BYTES]
        return urlsafe_b64encode(digest).decode()

    def note(self, value: bytes) -> Noted:
        """What is noted of a sticky value."""
        return Noted(bucket_of(value), self.token(value))


class _Remembered(dict[bytes, Noted]):
    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._tokens = tokens

    def __missing__(self, value: bytes) -> Noted:
        noted = self._tokens.note(value)
        if len(value) <= _MAX_REMEMBERED_BYTES:
            if len(self) >= _MAX_REMEMBERED:
                self.clear()
            self[value] = noted
        return noted
