"""What is known of a request that is like the one before it on its connection."""

from __future__ import annotations

import pytest

from gateway.wire.fields import Names
from gateway.wire.inbound import Inbound
from gateway.wire.plain_request import PlainRequests
from gateway.wire.repeated import Repeated

_NAMES = Names({b"x-customer-id"})
_ID = b"Host: shop.test\r\nX-Request-Id: %d\r\nX-Customer-Id: 7"


def _request(fields: bytes) -> bytes:
    return b"GET /a HTTP/1.1\r\n" + fields + b"\r\n\r\n"


def _told(found: tuple[Inbound, bytes] | None) -> dict[str, object] | None:
    if found is None:
        return None
    names = ("host", "named", "fields", "lines", "body", "length", "traceparent", "forwarded")
    return {name: getattr(found[0], name) for name in names} | {"after": found[1]}


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([_ID % n for n in (1, 2, 3, 40_000, 2, 1)], id="an id"),
        pytest.param([b"X-Id: %d\r\nHost: shop.test" % n for n in range(4)], id="an id first"),
        pytest.param([b"Host: shop.test\r\nX-Id: %d" % n for n in range(4)], id="an id last"),
        pytest.param([_ID % 1, _ID % 2, _ID % 2, _ID % 2, _ID % 3, _ID % 3], id="now and then"),
        pytest.param(
            [_ID % n + b"\r\nA: %d" % (n // 3) for n in range(12)], id="and another, seldom"
        ),
        pytest.param([_ID % 1, _ID % 2, _ID % 3 + b"\r\nHost: a"], id="two hosts"),
        pytest.param([_ID % 1, _ID % 2, (_ID % 3).replace(b"3", b"3 ")], id="a space behind it"),
        pytest.param([_ID % 1, _ID % 2, (_ID % 3).replace(b" 3", b" ")], id="nothing"),
        pytest.param([_ID % 1, _ID % 2, (_ID % 3).replace(b"3", b"\x00")], id="a control"),
        pytest.param(
            [_ID % 1, _ID % 2, (_ID % 3).replace(b"3", b"3\r\nX-Customer-Id: 8")], id="a line more"
        ),
        pytest.param([b"Host: shop.test\r\nX-Customer-Id: %d" % n for n in range(4)], id="sticky"),
        pytest.param([b"A: b\r\nHost: shop%d.test" % n for n in range(4)], id="the host"),
        pytest.param(
            [b"Host: shop.test\r\ntraceparent: 00-%032x-01" % n for n in range(4)], id="a trace"
        ),
        pytest.param(
            [b"Host: shop.test\r\nX-Forwarded-For: 1.2.3.%d" % n for n in range(4)], id="a proxy"
        ),
        pytest.param(
            [b"Host: shop.test\r\nConnection: keep-alive\r\nA: %d" % n for n in range(4)],
            id="beside what is dropped",
        ),
        pytest.param(
            [b"Host: shop.test\r\nA: %b" % (b"x" * n) for n in range(2_020, 2_040, 3)],
            id="longer than is remembered",
        ),
    ],
)
def test_what_came_before_changes_nothing(blocks: list[bytes]) -> None:
    requests, last = PlainRequests(_NAMES), Repeated()
    for fields in blocks:
        alone = PlainRequests(_NAMES).read(_request(fields), Repeated())
        assert _told(requests.read(_request(fields), last)) == _told(alone)


def test_all_but_an_id_is_known_from_the_third_request_on() -> None:
    requests, last = PlainRequests(_NAMES), Repeated()
    for number in range(2):
        requests.read(_request(_ID % number), last)
    assert last.is_like(_ID % 3)
    assert not last.is_like((_ID % 3).replace(b": 7", b": 8"))
    assert not last.is_like((_ID % 3).replace(b"X-Request-Id", b"X-Request-Ix"))


def test_what_routing_begins_to_read_is_read() -> None:
    """A new file may ask for the very field that changes."""
    last = Repeated()
    before, behind = PlainRequests(_NAMES), PlainRequests(Names({b"x-request-id"}))
    for number in range(3):
        before.read(_request(_ID % number), last)
    for number in (2, 2, 3, 4, 5):
        found = behind.read(_request(_ID % number), last)
        assert found is not None
        assert found[0].named == {b"x-request-id": b"%d" % number}


def test_whoever_changes_more_is_not_compared_for_ever() -> None:
    requests, last = PlainRequests(_NAMES), Repeated()
    for number in range(20):
        requests.read(_request(_ID % number + b"\r\nA: %d" % number), last)
    for number in range(2):
        requests.read(_request(_ID % number), last)
    assert last.by is None
