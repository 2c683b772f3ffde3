"""Who is believed, and which address a customer has behind those who are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import trust
from gateway.wire.trust import Networks, customer_address

_PROXIES = Networks(["10.0.0.0/8", "fd00::/8", "127.0.0.1/32"])


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("10.0.0.0", True, id="first-address"),
        pytest.param("10.255.255.255", True, id="last-address"),
        pytest.param("11.0.0.0", False, id="one-behind"),
        pytest.param("9.255.255.255", False, id="one-before"),
        pytest.param("fd12::1", True, id="ipv6"),
        pytest.param("fe80::1", False, id="other-ipv6"),
        pytest.param("::ffff:10.1.2.3", True, id="ipv4-mapped"),
        pytest.param("::ffff:0a01:0203", True, id="ipv4-mapped-in-hexadecimal"),
        pytest.param("::ffff:11.1.2.3", False, id="ipv4-mapped-elsewhere"),
        pytest.param("", False, id="unix-socket"),
        pytest.param("unknown", False, id="a-word"),
        pytest.param("10.0.0.1:80", False, id="with-a-port"),
        pytest.param("010.0.0.1", False, id="leading-zero-reads-as-octal-elsewhere"),
        pytest.param("10.1", False, id="short-form"),
    ],
)
def test_networks_contain_their_addresses_alone(address: str, expected: bool) -> None:
    assert expected is _PROXIES.contains(address)
    assert expected is _PROXIES.contains(address), "asked twice"


def test_no_networks_contain_nobody() -> None:
    assert not Networks([]).contains("127.0.0.1")


@pytest.mark.parametrize("cidr", ["10.0.0.1/8", "10.0.0.0/33", "nonsense"])
def test_a_network_with_host_bits_or_none_at_all_is_refused(cidr: str) -> None:
    with pytest.raises(ValueError, match=cidr.partition("/")[0]):
        Networks([cidr])


def test_an_answer_is_the_same_when_the_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_MAX_REMEMBERED", 2)
    networks = Networks(["10.0.0.0/8"])
    for number in range(5):
        assert networks.contains(f"10.0.0.{number}")
        assert not networks.contains(f"11.0.0.{number}")
    assert len(networks._known) == 2


@pytest.mark.parametrize(
    ("peer", "chain", "expected"),
    [
        pytest.param("203.0.113.9", b"", "203.0.113.9", id="direct"),
        pytest.param("203.0.113.9", b"198.51.100.1", "203.0.113.9", id="stranger-is-not-believed"),
        pytest.param("10.0.0.1", b"", "10.0.0.1", id="proxy-that-forwards-nothing"),
        pytest.param("10.0.0.1", b"198.51.100.1", "198.51.100.1", id="one-proxy"),
        pytest.param("10.0.0.1", b"198.51.100.1, 10.0.0.2", "198.51.100.1", id="two-proxies"),
        pytest.param(
            "10.0.0.1", b"6.6.6.6, 198.51.100.1,10.0.0.2", "198.51.100.1", id="forged-beginning"
        ),
        pytest.param("10.0.0.1", b"10.0.0.3, 10.0.0.2", "10.0.0.3", id="proxies-all-the-way"),
        pytest.param("10.0.0.1", b"unknown, 10.0.0.2", "", id="junk-behind-a-proxy"),
        pytest.param("10.0.0.1", b"nonsense", "", id="junk-alone"),
        pytest.param("10.0.0.1", b"198.51.100.1, ,10.0.0.2", "", id="empty-member"),
        pytest.param("10.0.0.1", b"198.51.100.1:4711", "198.51.100.1", id="with-a-port"),
        pytest.param("10.0.0.1", b"[2001:db8::1]:80", "2001:db8::1", id="ipv6-with-a-port"),
        pytest.param("10.0.0.1", b"[2001:db8::1]", "2001:db8::1", id="ipv6-in-brackets"),
        pytest.param("10.0.0.1", b"198.51.100.1:x", "", id="no-port"),
        pytest.param("10.0.0.1", b"\xb2\xff", "", id="not-ascii"),
        pytest.param("10.0.0.1", b"fe80::1%" + b"x" * 60_000, "", id="endless-scope"),
        pytest.param("fd00::1", b"2001:DB8:0:0::1", "2001:db8::1", id="ipv6-in-its-one-spelling"),
        pytest.param("10.0.0.1", b"::ffff:198.51.100.1", "198.51.100.1", id="mapped-customer"),
        pytest.param("::ffff:10.0.0.1", b"198.51.100.1", "198.51.100.1", id="mapped-proxy"),
        pytest.param(
            "10.0.0.1", b"198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1", id="mapped-in-the-chain"
        ),
        pytest.param("", b"198.51.100.1", "", id="unix-socket"),
    ],
)
def test_the_customer_is_the_nearest_address_that_is_no_trusted_proxy(
    peer: str, chain: bytes, expected: str
) -> None:
    assert expected == customer_address(peer, chain, _PROXIES)


@given(st.binary(max_size=200))
@settings(max_examples=60)
def test_what_a_customer_forges_in_front_never_changes_the_answer(forged: bytes) -> None:
    real = b"198.51.100.1, 10.0.0.2"
    assert customer_address("10.0.0.1", forged + b"," + real, _PROXIES) == "198.51.100.1"


@given(st.binary(max_size=200))
@settings(max_examples=60)
def test_a_chain_of_any_bytes_gives_an_address(chain: bytes) -> None:
    address = customer_address("10.0.0.1", chain, _PROXIES)
    assert address in {"", "10.0.0.1"} or Networks(["0.0.0.0/0", "::/0"]).contains(address)
