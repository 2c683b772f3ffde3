"""Which requests need no parser, and what is read of them."""

from __future__ import annotations

import pytest

from gateway.wire.fields import Names
from gateway.wire.inbound import MAX_FIELDS, Body, Inbound
from gateway.wire.plain_request import PlainRequests
from gateway.wire.repeated import Repeated
from gateway.wire.request import write_request

_WANTED = frozenset({b"x-customer-id", b"x-forwarded-proto"})


def _read(data: bytes) -> tuple[Inbound, bytes] | None:
    return PlainRequests(Names(_WANTED)).read(data, Repeated())


def _head(*lines: bytes, first: bytes = b"GET /a?b=1 HTTP/1.1") -> bytes:
    return b"\r\n".join([first, b"Host: shop.test", *lines, b"", b""])


def test_a_request_is_read_and_its_lines_cross_as_they_came() -> None:
    found = _read(_head(b"Accept: */*", b"x-CUSTOMER-id: 7", b"Cookie: a=b"))
    assert found is not None
    inbound, body = found
    assert (inbound.method, inbound.target, body) == (b"GET", b"/a?b=1", b"")
    assert (inbound.path, inbound.query, inbound.host) == (b"/a", b"b=1", b"shop.test")
    assert inbound.named == {b"x-customer-id": b"7"}
    assert inbound.keep_alive
    assert write_request(inbound, b"Via: 1.1 v\r\n") == (
        b"GET /a?b=1 HTTP/1.1\r\nHost: shop.test\r\nAccept: */*\r\nx-CUSTOMER-id: 7\r\n"
        b"Cookie: a=b\r\nVia: 1.1 v\r\n\r\n"
    )


def test_a_body_that_has_come_with_its_head_is_read_with_it() -> None:
    found = _read(_head(b"Content-Length: 5", first=b"POST / HTTP/1.1") + b"\r\n\r\nx")
    assert found is not None
    assert (found[0].body, found[0].length, found[1]) == (Body.LENGTH, 5, b"\r\n\r\nx")


def test_fields_of_one_connection_and_forged_ones_are_left_out() -> None:
    found = _read(_head(b"Connection: Keep-Alive", b"Proxy: x", b"X_Forwarded_For: y", b"A: b"))
    assert found is not None
    assert found[0].fields == b"Host: shop.test\r\nA: b"
    assert found[0].lines == [(b"Host", b"shop.test"), (b"A", b"b")]


def test_what_has_to_be_believed_first_is_held_back() -> None:
    found = _read(_head(b"X-Forwarded-For: 1.2.3.4", b"X-Forwarded-Proto: https"))
    assert found is not None
    assert found[0].forwarded == [
        (b"X-Forwarded-For", b"1.2.3.4"),
        (b"X-Forwarded-Proto", b"https"),
    ]
    assert found[0].named == {}
    assert found[0].lines == [(b"Host", b"shop.test")]


def test_lines_of_one_name_are_joined_for_routing_and_cross_apart() -> None:
    found = _read(_head(b"X-Customer-Id: 7", b"x-customer-id: 8"))
    assert found is not None
    assert found[0].named == {b"x-customer-id": b"7, 8"}
    assert found[0].fields.count(b"\r\n") == 2


def test_a_host_that_routing_reads_is_read_as_well() -> None:
    requests, last = PlainRequests(Names({b"host"})), Repeated()
    for _ in range(2):
        found = requests.read(_head(b"A: b"), last)
        assert found is not None
        assert (found[0].host, found[0].named) == (b"shop.test", {b"host": b"shop.test"})
    assert requests.read(_head(b"Host: other"), last) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(_head()[:-1], id="a head that is not complete"),
        pytest.param(_head() + b"G", id="more than one request"),
        pytest.param(_head() * 2, id="two requests"),
        pytest.param(b"\r\n" + _head(), id="an empty line first"),
        pytest.param(_head(b"Content-Length: 5") + b"hell", id="half a body"),
        pytest.param(_head(first=b"GET /a HTTP/1.0"), id="an older version"),
        pytest.param(_head(first=b"GET  /a HTTP/1.1"), id="two spaces"),
        pytest.param(_head(first=b"GET /a b HTTP/1.1"), id="a space in the target"),
        pytest.param(_head(first=b"GET /a#b HTTP/1.1"), id="a fragment"),
        pytest.param(_head(first=b"GET http://shop.test/ HTTP/1.1"), id="absolute form"),
        pytest.param(_head(first=b"OPTIONS * HTTP/1.1"), id="about the server"),
        pytest.param(_head(first=b"get / HTTP/1.1"), id="a method in lower case"),
        pytest.param(_head(first=b"PROPFIND / HTTP/1.1"), id="a rare method"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no host, no fields"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\r\n\r\n", id="no host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", id="a bad host"),
        pytest.param(_head(b"Host: shop.test"), id="two hosts"),
        pytest.param(_head(b"Content-Length: 0", b"Content-Length: 0"), id="two lengths"),
        pytest.param(_head(b"Content-Length: +0"), id="a bad length"),
        pytest.param(_head(b"Content-Length: 1" + b"0" * 18), id="a length beyond all measure"),
        pytest.param(_head(b"Transfer-Encoding: chunked"), id="a coding"),
        pytest.param(_head(b"Content-Length: 0", b"Transfer-Encoding: chunked"), id="both"),
        pytest.param(_head(b"Connection: close"), id="the last request"),
        pytest.param(_head(b"Connection: keep-alive, A", b"A: b"), id="a named field"),
        pytest.param(_head(b"Keep-Alive: 5"), id="a field of the connection"),
        pytest.param(_head(b"Upgrade: websocket"), id="an offer"),
        pytest.param(_head(b"Expect: 100-continue"), id="a question"),
        pytest.param(_head(b"Max-Forwards: 1"), id="a countdown"),
        pytest.param(_head(b"Via: 1.1 figueira"), id="a proxy before"),
        pytest.param(_head(b"X-Figueira-Backend: x"), id="a tester's field"),
        pytest.param(_head(b"A : b"), id="a space behind a name"),
        pytest.param(_head(b"A:b"), id="no space before a value"),
        pytest.param(_head(b"A:  b"), id="two spaces before a value"),
        pytest.param(_head(b"A: b "), id="a space behind a value"),
        pytest.param(_head(b"A: "), id="an empty value"),
        pytest.param(_head(b" A: b"), id="a folded line"),
        pytest.param(_head(b"A: b\n"), id="a bare line feed"),
        pytest.param(_head(b"A: b\rc"), id="a bare carriage return"),
        pytest.param(_head(b"A: \x00"), id="a control"),
        pytest.param(_head(b"nonsense"), id="no field"),
        pytest.param(_head(*[b"A: b"] * MAX_FIELDS), id="too many fields"),
    ],
)
def test_all_others_are_the_parsers(data: bytes) -> None:
    assert _read(data) is None


def test_fields_that_come_again_mean_the_same_with_another_target() -> None:
    requests, last = PlainRequests(Names(_WANTED)), Repeated()
    fields = (b"X-Customer-Id: 7", b"Connection: keep-alive", b"Content-Length: 2")
    for number in range(4):
        data = _head(*fields, first=b"PUT /%d?q=%d HTTP/1.1" % (number, number)) + b"ok"
        found, alone = requests.read(data, last), _read(data)
        assert found is not None
        assert alone is not None
        assert _told(found[0]) == _told(alone[0])
        assert found[1] == b"ok"
    assert last.by is requests


def test_what_another_reads_by_other_names_is_read_anew() -> None:
    last, data = Repeated(), _head(b"X-Customer-Id: 7")
    before = PlainRequests(Names(_WANTED))
    for _ in range(3):
        before.read(data, last)
    found = PlainRequests(Names(frozenset())).read(data, last)
    assert found is not None
    assert found[0].named == {}


@pytest.mark.parametrize(
    "line",
    [b"X-Forwarded-For: 1.2.3.4", b"traceparent: 00-" + b"a" * 32, b"Cookie: " + b"c" * 3000],
)
def test_what_is_believed_or_long_is_never_remembered(line: bytes) -> None:
    requests, last = PlainRequests(Names(_WANTED)), Repeated()
    for _ in range(3):
        assert requests.read(_head(line), last) is not None
    assert last.by is None


def test_half_a_body_is_left_to_the_parser_however_often_its_head_has_come() -> None:
    requests, last = PlainRequests(Names(_WANTED)), Repeated()
    head = _head(b"Content-Length: 5")
    for _ in range(3):
        assert requests.read(head + b"hello", last) is not None
    assert requests.read(head + b"hell", last) is None


def _told(inbound: Inbound) -> dict[str, object]:
    names = ("method", "target", "path", "query", "host", "named", "fields", "body", "length")
    return {name: getattr(inbound, name) for name in (*names, "forwarded", "keep_alive")}
