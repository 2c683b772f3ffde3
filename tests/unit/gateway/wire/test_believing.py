"""Who the customer is, and whose headers are kept."""

from __future__ import annotations

import pytest

from gateway.wire.believing import believe
from gateway.wire.fields import Names
from gateway.wire.inbound import Inbound
from gateway.wire.request import read_request
from gateway.wire.trust import Networks

_PROXIES = Networks(["10.0.0.0/8"])
_TESTERS = Networks(["10.0.0.0/8", "192.0.2.7/32"])
_NAMES = Names({b"x-forwarded-proto", b"x-figueira-beta"})


def _inbound(*fields: tuple[bytes, bytes]) -> Inbound:
    headers = [(b"Host", b"shop.test"), (b"X-Figueira-Beta", b"yes"), *fields]
    return read_request(b"GET", b"/", "1.1", headers, _NAMES)


@pytest.mark.parametrize(
    ("peer", "chain", "expected"),
    [
        pytest.param("10.0.0.1", b"192.0.2.7", ("192.0.2.7", True, True), id="a-named-tester"),
        pytest.param("10.0.0.1", b"192.0.2.8", ("192.0.2.8", True, False), id="a-named-customer"),
        pytest.param("10.0.0.1", None, ("10.0.0.1", True, True), id="the-proxy-for-itself"),
        pytest.param("10.0.0.1", b"unknown", ("", True, False), id="named-as-nobody"),
        pytest.param("10.0.0.1", b"", ("", True, False), id="not-named"),
        pytest.param("192.0.2.8", b"192.0.2.7", ("192.0.2.8", False, False), id="a-stranger-lies"),
        pytest.param("192.0.2.7", None, ("192.0.2.7", False, True), id="a-tester-without-a-proxy"),
    ],
)
def test_only_those_who_are_trusted_are_believed(
    peer: str, chain: bytes | None, expected: tuple[str, bool, bool]
) -> None:
    fields = [] if chain is None else [(b"X-Forwarded-For", chain), (b"X-Forwarded-Proto", b"h2")]
    inbound = _inbound(*fields)
    is_proxy = believe(inbound, peer, _PROXIES, _TESTERS, _NAMES)
    is_tester = (b"X-Figueira-Beta", b"yes") in inbound.lines
    assert expected == (inbound.client_ip, is_proxy, is_tester)
    assert is_tester is (b"x-figueira-beta" in inbound.named)
    assert (is_proxy and chain is not None) is (b"x-forwarded-proto" in inbound.named)
