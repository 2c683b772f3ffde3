"""``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header-07), decided purely."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

KEPT_S = 24 * 3600.0
"""How long a key is remembered."""
# A quoted string as RFC 8941 has it, or the same without quotes, as many clients send it.
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE = re.compile(r"[\x21\x23-\x2b\x2d-\x7e]+")
_LONGEST = 255


class KeyFormError(ValueError):
    """The header is none of one key of 1 to 255 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A key in use.

    Attributes:
        claim_id: A hash of the customer and the key.
        fingerprint: A hash of the request that it was used for.
    """

    claim_id: str
    fingerprint: str


def read_key(values: list[str]) -> str | None:
    """Read the header's lines; None when there is none.

    Raises:
        KeyFormError: It is repeated, empty, too long, or holds what no key may.
    """
    if not values:
        return None
    text = values[0].strip()
    if len(values) > 1:
        raise KeyFormError
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if not 1 <= len(key) <= _LONGEST or not (quoted or _BARE.fullmatch(text)):
        raise KeyFormError
    return key


def claim_of(*, customer: str, key: str, request: bytes) -> Claim:
    """Scope a key by its customer; ``request`` is what has to be the same the next time."""
    scope = f"{len(customer)}:{customer}:{key}"
    return Claim(
        claim_id=hashlib.sha256(scope.encode("utf-8", "surrogateescape")).hexdigest(),
        fingerprint=hashlib.sha256(request).hexdigest(),
    )
