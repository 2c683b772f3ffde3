"""The sockets that everything listens on."""

from __future__ import annotations

import socket

import pytest

from gateway.control.servers import listen


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_name_or_an_address_of_either_kind_can_be_listened_on(host: str) -> None:
    if host == "::1" and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with listen(host, 0) as listener, socket.create_connection(listener.getsockname()[:2]):
        assert listener.getsockname()[1] > 0


def test_a_busy_port_is_an_error() -> None:
    """Two gateways that shared it in silence would each have half of the customers."""
    with listen("127.0.0.1", 0) as listener, pytest.raises(OSError, match="already in use"):
        listen("127.0.0.1", listener.getsockname()[1])
