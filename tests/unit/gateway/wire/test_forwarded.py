"""Backends are told of the customer by us, and by those before us whom we believe."""

from __future__ import annotations

import pytest

from gateway.wire.forwarded import Peer, forwarded_lines
from gateway.wire.messages import Header

_VIA = b"Via: 1.1 figueira\r\n"
_DEFAULTS = [(b"X-Forwarded-Host", b"shop.example"), (b"X-Forwarded-Proto", b"http")]
_FORGED = [
    (b"X-Forwarded-For", b"6.6.6.6"),
    (b"X-Forwarded-Host", b"evil.example"),
    (b"X-Forwarded-Proto", b"https"),
    (b"X-Forwarded-Port", b"1"),
    (b"Forwarded", b"for=6.6.6.6"),
]


def _lines(
    received: list[Header],
    *,
    believed: bool,
    peer: str = "10.0.0.1",
    host: bytes = b"shop.example",
) -> list[Header]:
    written = forwarded_lines(Peer(peer), host, received if believed else ())
    assert written.endswith(_VIA)
    written = written.removesuffix(_VIA)
    lines = [line.partition(b": ") for line in written.removesuffix(b"\r\n").split(b"\r\n")]
    return [(name, value) for name, _, value in lines]


@pytest.mark.parametrize("believed", [True, False], ids=["believed", "stranger"])
def test_a_plain_request_gets_the_peer_the_host_and_the_scheme(believed: bool) -> None:
    expected = [(b"X-Forwarded-For", b"10.0.0.1"), *_DEFAULTS]
    assert expected == _lines([], believed=believed)


def test_what_a_stranger_says_is_dropped_whole() -> None:
    expected = [(b"X-Forwarded-For", b"10.0.0.1"), *_DEFAULTS]
    assert expected == _lines(_FORGED, believed=False)


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        pytest.param(
            [(b"X-Forwarded-For", b"198.51.100.1")],
            [(b"X-Forwarded-For", b"198.51.100.1, 10.0.0.1"), *_DEFAULTS],
            id="chain-grows",
        ),
        pytest.param(
            [(b"x-forwarded-for", b"a"), (b"X-Forwarded-For", b""), (b"X-FORWARDED-FOR", b"b, c")],
            [(b"X-Forwarded-For", b"a, b, c, 10.0.0.1"), *_DEFAULTS],
            id="several-chains-become-one-without-empty-members",
        ),
        pytest.param(
            [(b"X-Forwarded-Proto", b"https"), (b"X-Forwarded-Port", b"443")],
            [
                (b"X-Forwarded-Proto", b"https"),
                (b"X-Forwarded-Port", b"443"),
                (b"X-Forwarded-For", b"10.0.0.1"),
                (b"X-Forwarded-Host", b"shop.example"),
            ],
            id="scheme-and-port-kept",
        ),
        pytest.param(
            [(b"x-forwarded-host", b"www.example")],
            [
                (b"x-forwarded-host", b"www.example"),
                (b"X-Forwarded-For", b"10.0.0.1"),
                (b"X-Forwarded-Proto", b"http"),
            ],
            id="host-kept",
        ),
        pytest.param(
            [(b"Forwarded", b"for=198.51.100.1")],
            [
                (b"Forwarded", b"for=198.51.100.1, for=10.0.0.1"),
                (b"X-Forwarded-For", b"10.0.0.1"),
                *_DEFAULTS,
            ],
            id="forwarded-grows",
        ),
        pytest.param(
            [(b"Forwarded", b"for=a"), (b"forwarded", b" "), (b"forwarded", b"for=b")],
            [
                (b"Forwarded", b"for=a, for=b, for=10.0.0.1"),
                (b"X-Forwarded-For", b"10.0.0.1"),
                *_DEFAULTS,
            ],
            id="we-add-ourselves-to-forwarded-once",
        ),
    ],
)
def test_what_a_trusted_proxy_says_is_kept_and_continued(
    received: list[Header], expected: list[Header]
) -> None:
    assert expected == _lines(received, believed=True)


@pytest.mark.parametrize(
    ("peer", "plain", "node"),
    [
        pytest.param("10.0.0.1", b"10.0.0.1", b"10.0.0.1", id="ipv4"),
        pytest.param("2001:db8::1", b"2001:db8::1", b'"[2001:db8::1]"', id="ipv6"),
        pytest.param("", b"unknown", b"unknown", id="unix-socket"),
    ],
)
def test_an_address_is_written_as_each_field_wants_it(peer: str, plain: bytes, node: bytes) -> None:
    lines = dict(_lines([(b"Forwarded", b"for=a")], believed=True, peer=peer))
    assert lines[b"X-Forwarded-For"] == plain
    assert lines[b"Forwarded"] == b"for=a, for=" + node


def test_a_request_without_a_host_gets_no_forwarded_host() -> None:
    names = [name for name, _ in _lines([], believed=False, host=b"")]
    assert names == [b"X-Forwarded-For", b"X-Forwarded-Proto"]


def test_a_peer_is_introduced_to_each_host_it_asks_for() -> None:
    peer = Peer("10.0.0.1", b"https")
    for host in (b"shop.example", b"shop.example", b"", b"www.example"):
        assert peer.introduction(host) == forwarded_lines(peer, host)
    assert b"X-Forwarded-Proto: https\r\n" in peer.introduction(b"shop.example")
