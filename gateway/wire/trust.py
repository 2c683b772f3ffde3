"""Who is believed about whom: CIDR lists, and the customer's address behind trusted proxies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_MAX_REMEMBERED = 4096
"""Addresses; each customer's is looked up again and again."""
_MAX_ADDRESS_BYTES = 45
"""``0000:0000:0000:0000:0000:ffff:255.255.255.255``; nothing longer is worth remembering."""

_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}|\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")


class Networks:
    """A set of networks that addresses are tested against."""

    def __init__(self, cidrs: Iterable[str]) -> None:
        """Take networks as CIDR text, without host bits."""
        self._networks = [ip_network(cidr) for cidr in cidrs]
        self._known: dict[str, bool] = {}

    def contains(self, address: str) -> bool:
        """Whether `address` lies in one of the networks; False for what is no address."""
        known = self._known.get(address)
        if known is None:
            parsed = _parse(address)
            known = parsed is not None and any(parsed in network for network in self._networks)
            if len(self._known) < _MAX_REMEMBERED:
                self._known[address] = known
        return known


def customer_address(peer: str, forwarded_for: bytes, proxies: Networks) -> str:
    """The nearest address that is not a trusted proxy's.

    Args:
        peer: Address of the other end of the connection; empty for a Unix socket.
        forwarded_for: All X-Forwarded-For values, joined by commas.
        proxies: Peers that are believed.

    Returns:
        An address as text; `peer` if it is no trusted proxy, or forwarded nothing. Empty if a
        trusted proxy named somebody in a way that is not understood: such a customer is nobody,
        and above all not the proxy itself, which may be trusted further.
        A forwarded one is spelt as `ipaddress` does, an IPv4 address always as such: however a
        proxy writes it, one customer has one bucket.
    """
    if not forwarded_for or not proxies.contains(peer):
        return peer
    nearest = peer
    for member in reversed(forwarded_for.split(b",")):
        text = _without_port(member.strip().decode("latin-1"))
        parsed = _parse(text) if len(text) <= _MAX_ADDRESS_BYTES else None
        if parsed is None:
            return ""
        nearest = str(parsed)
        if not proxies.contains(nearest):
            break
    return nearest


def _without_port(member: str) -> str:
    """``192.0.2.1:4711`` and ``[2001:db8::1]:4711``, as some proxies write it."""
    match = _WITH_PORT.fullmatch(member)
    return match[1] or match[2] if match else member


@lru_cache(maxsize=_MAX_REMEMBERED)
def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    return mapped if mapped is not None else parsed
