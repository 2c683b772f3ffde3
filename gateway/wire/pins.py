"""Signed pins: leave for a tester, wherever it comes from, to choose the backend for a while.

``BACKEND.EXPIRES.SIGNATURE``: a backend's name, seconds since 1970, and an HMAC of both. Whoever
has one can use it until it expires, so it goes to no backend and into no log.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from enum import Enum

from gateway.wire.messages import Header

HEADER = b"x-figueira-backend"
"""In lower case."""
_PURPOSE = b"figueira pin 1\0"
"""So that a signature made with the same secret for something else is none of these."""
_SIGNED = re.compile(rb"([a-z][a-z0-9_-]{0,62})\.([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{43})")


class Fault(Enum):
    """Why a signed pin is not honoured."""

    MALFORMED = "it is no signed pin"
    NO_SECRET = "trust.pin_secret is not set"  # noqa: S105 - the name of a key
    FORGED = "its signature is wrong"
    EXPIRED = "it has expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class PinKey:
    """What signed pins are judged by."""

    secret: str
    """Empty: none is honoured."""
    now_s: float
    """Seconds since 1970."""


def write_pin(backend: str, expires_s: int, secret: str) -> str:
    """A signed pin.

    Args:
        backend: Its name.
        expires_s: The first moment at which it is not honoured any more, seconds since 1970.
        secret: ``trust.pin_secret``.
    """
    signed = f"{backend}.{expires_s}"
    return f"{signed}.{_sign(signed.encode(), secret).decode()}"


def is_signed_pin(line: Header) -> bool:
    """Whether a field means to be a signed pin: no backend's name has a dot."""
    return line[0].lower() == HEADER and b"." in line[1]


def read_pin(value: bytes, key: PinKey) -> str | Fault:
    """The backend that a signed pin names, or why it is not honoured.

    The signature is looked at before the time: whoever cannot sign learns nothing.
    """
    parts = _SIGNED.fullmatch(value)
    if parts is None:
        return Fault.MALFORMED
    if not key.secret:
        return Fault.NO_SECRET
    signed = value.rpartition(b".")[0]
    if not hmac.compare_digest(_sign(signed, key.secret), parts[3]):
        return Fault.FORGED
    if key.now_s >= int(parts[2]):
        return Fault.EXPIRED
    return parts[1].decode()


def _sign(signed: bytes, secret: str) -> bytes:
    digest = hmac.digest(secret.encode(), _PURPOSE + signed, hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=")
