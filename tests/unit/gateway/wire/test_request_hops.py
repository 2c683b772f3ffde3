"""What a request says of its way: of both connections, of how far it may go, where it has been."""

from __future__ import annotations

import pytest

from gateway.wire.inbound import BadRequest, Inbound
from gateway.wire.messages import Header
from gateway.wire.request import read_request
from gateway.wire.taking import MAX_PASSAGES

_HOST = (b"Host", b"shop.example")


def _read(*fields: Header, method: bytes = b"GET", version: str = "1.1") -> Inbound:
    return read_request(method, b"/", version, [_HOST, *fields])


def _refusal(*fields: Header, method: bytes = b"GET") -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read_request(method, b"/", "1.1", fields)
    return caught.value


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            [(b"Upgrade", b"websocket"), (b"Connection", b"keep-alive, Upgrade")],
            [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")],
            id="another-protocol",
        ),
        pytest.param(
            [(b"Connection", b"upgrade"), (b"Upgrade", b"a/1"), (b"upgrade", b"b")],
            [(b"Upgrade", b"a/1, b"), (b"Connection", b"Upgrade")],
            id="one-of-several-protocols",
        ),
        pytest.param([(b"Upgrade", b"websocket")], [], id="not-named-by-connection"),
        pytest.param([(b"Upgrade", b"h2c"), (b"Connection", b"Upgrade")], [], id="h2c"),
        pytest.param(
            [(b"Upgrade", b"x, H2C"), (b"Connection", b"Upgrade")], [], id="h2c-in-a-list"
        ),
        pytest.param([(b"Upgrade", b""), (b"Connection", b"Upgrade")], [], id="nothing"),
        pytest.param(
            [(b"Upgrade", b"x"), (b"Connection", b"Upgrade"), (b"Content-Length", b"2")],
            [(b"Content-Length", b"2")],
            id="a-body-comes-first",
        ),
        pytest.param(
            [(b"TE", b"gzip, Trailers"), (b"Connection", b"TE")],
            [(b"TE", b"trailers"), (b"Connection", b"TE")],
            id="trailers-are-taken",
        ),
        pytest.param(
            [(b"TE", b"trailers"), (b"Upgrade", b"x"), (b"Connection", b"upgrade, te")],
            [(b"Upgrade", b"x"), (b"TE", b"trailers"), (b"Connection", b"Upgrade, TE")],
            id="both",
        ),
        pytest.param([(b"Trailer", b"X-Sum")], [(b"Trailer", b"X-Sum")], id="trailers-to-come"),
    ],
)
def test_what_holds_for_both_connections_is_said_anew(
    fields: list[Header], expected: list[Header]
) -> None:
    assert _read(*fields).lines == [_HOST, *expected]


def test_nothing_of_the_kind_is_said_for_http_1_0() -> None:
    inbound = _read(
        (b"TE", b"trailers"), (b"Upgrade", b"x"), (b"Connection", b"upgrade, te"), version="1.0"
    )
    assert inbound.lines == [_HOST]
    assert inbound.upgrade is None


@pytest.mark.parametrize(
    ("method", "value", "expected"),
    [
        pytest.param(b"OPTIONS", b"7", b"6", id="counted-down"),
        pytest.param(b"OPTIONS", b"010", b"9", id="leading-zero"),
        pytest.param(b"OPTIONS", b"x", b"x", id="not-a-number"),
        pytest.param(b"OPTIONS", b"9" * 40, b"9" * 40, id="beyond-counting"),
        pytest.param(b"GET", b"0", b"0", id="for-options-alone"),
    ],
)
def test_max_forwards_is_counted_down(method: bytes, value: bytes, expected: bytes) -> None:
    inbound = _read((b"Max-Forwards", value), method=method)
    assert inbound.lines == [_HOST, (b"Max-Forwards", expected)]


@pytest.mark.parametrize("value", [b"0", b"000"])
def test_options_with_no_forward_left_ends_here(value: bytes) -> None:
    assert _refusal(_HOST, (b"Max-Forwards", value), method=b"OPTIONS").status == 204


def test_a_request_that_comes_back_again_and_again_is_a_loop() -> None:
    passage = (b"Via", b"1.1 other, 1.1 Figueira (x), 1.0 figueirax")
    inbound = _read(*[passage] * MAX_PASSAGES)
    assert inbound.lines == [_HOST, *[passage] * MAX_PASSAGES]
    assert _refusal(_HOST, *[passage] * (MAX_PASSAGES + 1)).status == 508
