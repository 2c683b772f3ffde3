"""What a request says of its own origin, as far as its sender is believed."""

from __future__ import annotations

from collections.abc import Collection

from gateway.wire.request import Inbound, read_believed
from gateway.wire.trust import Networks, customer_address


def believe(
    inbound: Inbound,
    peer: str,
    proxies: Networks,
    testers: Networks,
    wanted: Collection[bytes] = (),
) -> bool:
    """Settle who the customer is, and which held-back fields routing and the backend get to see.

    Sets the head's `client_ip`; a tester's X-Figueira-* join the lines to forward.

    Args:
        inbound: The request.
        peer: Address of the other end of the connection; empty for a Unix socket.
        proxies: ``trust.proxies``.
        testers: ``trust.testers``.
        wanted: Lower-case names whose values routing reads.

    Returns:
        Whether the peer is a trusted proxy, so that its forwarding fields may be passed on.
    """
    head = inbound.head
    head.client_ip = peer
    is_proxy = proxies.contains(peer)
    if is_proxy and inbound.forwarded:
        fields = inbound.forwarded
        chain = b",".join(value for name, value in fields if name.lower() == b"x-forwarded-for")
        # A proxy that speaks for somebody without saying for whom speaks for nobody.
        head.client_ip = customer_address(peer, chain, proxies) if chain else ""
        read_believed(inbound, fields, wanted)
    if inbound.private and testers.contains(head.client_ip):
        inbound.lines += inbound.private
        read_believed(inbound, inbound.private, wanted)
    return is_proxy
