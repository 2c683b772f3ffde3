"""Hosts: one spelling for each, and which conditions a host meets (Gateway API ``hostnames``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv6Address

_PORT = re.compile(rb":[0-9]*\Z")
WILDCARD = "*."
_LONGEST_BYTES = 254
"""Of what a wildcard leaves of a host: a dot and the longest name (RFC 1035, section 2.3.4)."""


def canonical(host: bytes) -> bytes:
    """A Host field's value as conditions are written: lower case, without port or final dot.

    Args:
        host: RFC 9110, section 7.2, found well-formed; empty if the request named none.
    """
    name = _PORT.sub(b"", host).lower()
    if name.startswith(b"["):
        return _short(name[1:-1])
    return name.removesuffix(b".")


def _short(address: bytes) -> bytes:
    try:
        return IPv6Address(address.decode()).compressed.encode()
    except ValueError:
        return address


def conditions(name: bytes) -> Iterator[bytes]:
    """Every condition that a canonical host meets, the most specific first; none for no host.

    ``a.b.c`` meets ``a.b.c``, ``*.b.c`` and ``*.c``: a wildcard stands for one or more labels, as
    the Gateway API has it. Of a host longer than any name, no more is looked at than a condition
    can be long: 64 KiB of dots are not taken apart at each.
    """
    if not name:
        return
    yield name
    dot = name.find(b".", max(0, len(name) - _LONGEST_BYTES))
    while dot >= 0:
        yield b"*" + name[dot:]
        dot = name.find(b".", dot + 1)


def precedence(condition: str) -> tuple[bool, int]:
    """Less is more specific: a name, then the longest wildcard, then no condition (empty)."""
    return not condition or condition.startswith(WILDCARD), -len(condition)
