"""Who the customer is, and whose headers are kept."""

from __future__ import annotations

import pytest

from gateway.wire.believing import believe
from gateway.wire.fields import Names
from gateway.wire.inbound import Inbound
from gateway.wire.pins import PinKey, write_pin
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


_KEY = PinKey(secret="s" * 32, now_s=1_000.0)
_SIGNED = write_pin("image_service", 2_000, _KEY.secret).encode()
_EXPIRED = write_pin("image_service", 900, _KEY.secret).encode()
_FORGED = _SIGNED[:-4] + b"AAAA"


@pytest.mark.parametrize(
    ("peer", "values", "pin"),
    [
        pytest.param("192.0.2.7", [b"legacy"], "legacy", id="a-tester"),
        pytest.param("192.0.2.8", [b"legacy"], "", id="a-stranger"),
        pytest.param("192.0.2.8", [_SIGNED], "image_service", id="a-stranger-with-a-signed-one"),
        pytest.param("192.0.2.8", [b" %b " % _SIGNED], "image_service", id="with-space"),
        pytest.param("192.0.2.8", [_EXPIRED], "", id="too-late"),
        pytest.param("192.0.2.8", [_FORGED], "", id="forged"),
        pytest.param("192.0.2.8", [b"legacy", _SIGNED], "image_service", id="the-first-that-may"),
        pytest.param("192.0.2.7", [_FORGED, b"legacy"], "legacy", id="a-tester-with-a-forged-one"),
        pytest.param("192.0.2.7", [b"", b"legacy"], "legacy", id="an-empty-one"),
        pytest.param("", [b"legacy"], "", id="nobody"),
        pytest.param("", [_SIGNED], "image_service", id="nobody-with-a-signed-one"),
    ],
)
def test_a_pin_is_heeded_from_those_who_may_and_a_signed_one_goes_no_further(
    peer: str, values: list[bytes], pin: str
) -> None:
    inbound = _inbound(*((b"X-Figueira-Backend", value) for value in values))
    believe(inbound, peer, _PROXIES, _TESTERS, _NAMES, key=_KEY)
    assert inbound.pin == pin
    forwarded = [value for name, value in inbound.lines if name == b"X-Figueira-Backend"]
    is_tester = peer == "192.0.2.7"
    assert forwarded == [value for value in values if is_tester and b"." not in value]


def test_an_underscore_twin_pins_nobody() -> None:
    inbound = _inbound((b"X_Figueira_Backend", b"legacy"))
    believe(inbound, "192.0.2.7", _PROXIES, _TESTERS, _NAMES, key=_KEY)
    assert inbound.pin == ""
