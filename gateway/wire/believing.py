"""What a request says of its own origin, as far as its sender is believed."""

from __future__ import annotations

from gateway.wire.fields import PLAIN, Names
from gateway.wire.inbound import Inbound
from gateway.wire.messages import Header
from gateway.wire.pins import HEADER, PinKey, is_signed_pin, read_pin
from gateway.wire.request import read_believed
from gateway.wire.trust import Networks, customer_address

_SPACE = b" \t"
_NO_KEY = PinKey(secret="", now_s=0.0)


def believe(
    inbound: Inbound,
    peer: str,
    proxies: Networks,
    testers: Networks,
    names: Names = PLAIN,
    *,
    key: PinKey = _NO_KEY,
) -> bool:
    """Settle who the customer is, and which held-back fields routing and the backend get to see.

    Sets the head's `client_ip` and `pin`; a tester's X-Figueira-* join the lines to forward, save
    for signed pins, which nobody but the gateway gets to see.

    Args:
        inbound: The request.
        peer: Address of the other end of the connection; empty for a Unix socket.
        proxies: ``trust.proxies``.
        testers: ``trust.testers``.
        names: What is known of each name, and which values routing reads.
        key: What signed pins are judged by.

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
    if inbound.private:
        is_tester = testers.contains(inbound.client_ip)
        if is_tester:
            fields = [line for line in inbound.private if not is_signed_pin(line)]
            inbound.lines += fields
            read_believed(inbound, fields, names)
        inbound.pin = _pin(inbound.private, key, is_tester=is_tester)
    return is_proxy


def _pin(fields: list[Header], key: PinKey, *, is_tester: bool) -> str:
    """The first backend asked for by somebody who may; empty if there is none."""
    for line in fields:
        text = line[1].strip(_SPACE)
        if is_signed_pin(line):
            backend = read_pin(text, key)
            if isinstance(backend, str):
                return backend
        elif is_tester and line[0].lower() == HEADER and text:
            return text.decode("latin-1")
    return ""
