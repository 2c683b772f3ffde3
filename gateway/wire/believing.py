"""What a request says of its own origin, as far as its sender is believed."""

from __future__ import annotations

from gateway.wire.fields import PLAIN, Names
from gateway.wire.inbound import Inbound
from gateway.wire.request import read_believed
from gateway.wire.trust import Networks, customer_address


def believe(
    inbound: Inbound,
    peer: str,
    proxies: Networks,
    testers: Networks,
    names: Names = PLAIN,
) -> bool:
    """Settle who the customer is, and which held-back fields routing and the backend get to see.

    Sets the head's `client_ip`; a tester's X-Figueira-* join the lines to forward.

    Args:
        inbound: The request.
        peer: Address of the other end of the connection; empty for a Unix socket.
        proxies: ``trust.proxies``.
        testers: ``trust.testers``.
        names: What is known of each name, and which values routing reads.

    Returns:
        Whether the peer is a trusted proxy, so that its forwarding fields may be passed on.
    """
    inbound.client_ip = peer
    is_proxy = proxies.contains(peer)
    if is_proxy and inbound.forwarded:
        fields = inbound.forwarded
        chain = b",".join(value for name, value in fields if name.lower() == b"x-forwarded-for")
        # A proxy that speaks for somebody without saying for whom speaks for nobody.
        inbound.client_ip = customer_address(peer, chain, proxies) if chain else ""
        read_believed(inbound, fields, names)
    if inbound.private and testers.contains(inbound.client_ip):
        inbound.lines += inbound.private
        read_believed(inbound, inbound.private, names)
    return is_proxy
