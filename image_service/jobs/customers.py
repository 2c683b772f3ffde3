"""Who orders: as the gateway's ``sticky`` tells customers apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

# Longer values are kept as a hash: a column has to end somewhere.
_LONGEST = 64


def customer_of(
    *, headers: Mapping[str, str], cookies: Mapping[str, str], address: str | None
) -> str:
    """Name the customer: ``X-Customer-Id``, else the cookie ``customer``, else the address.

    The header and the cookie name the same person; an address is told apart from both.
    """
    value = headers.get("x-customer-id") or cookies.get("customer")
    if value:
        return f"c:{_short(value)}"
    return f"a:{_short(address or '')}"


def safety_identifier(customer: str) -> str:
    """Return what stands for the customer in a provider's abuse reports: a hash."""
    return hashlib.sha256(b"figueira customer\0" + customer.encode()).hexdigest()


def _short(value: str) -> str:
    if len(value) <= _LONGEST and value.isascii() and value.isprintable():
        return value
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()
