"""What is read without the parser is what the parser would have read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.proxy.access_log import AccessLog
from gateway.proxy.gateway import Gateway
from gateway.proxy.parsed import ParsedAnswer
from gateway.proxy.reader import RequestReader
from gateway.routing.snapshot import Address, Backend, Match, Route, Snapshot, Trust
from gateway.wire.inbound import BadRequest, Inbound
from gateway.wire.messages import Header
from gateway.wire.plain_response import LastHead, read_plain_response
from gateway.wire.repeated import Repeated
from gateway.wire.request import write_request
from gateway.wire.response import write_response

if TYPE_CHECKING:
    from gateway.proxy.ports import Caller

_MATCH = Match(path_prefix="/", headers=(("x-customer-id", "7"),))


def _gateway(match: Match) -> Gateway:
    return Gateway(
        Snapshot(
            digest="0" * 64,
            trust=Trust(),
            backends=(Backend(name="legacy", addresses=(Address(host="127.0.0.1", port=1),)),),
            routes=(Route(name="all", matches=(match,), backend="legacy"),),
        ),
        1,
        AccessLog(None),
        lambda: 0.0,
    )


_GATEWAY = _gateway(_MATCH)
_BY_HOST = _gateway(replace(_MATCH, hosts=("shop.test",)))
_LINES = (
    *(b"Host: shop.test", b"Host: shop.test", b"Host: shop.test:80", b"host: a", b"Host: a b"),
    *(b"X-Customer-Id: 7", b"x-customer-id: 8", b"Accept: */*", b"A: b", b"a:b", b"A: b "),
    *(b"Content-Length: 0", b"Content-Length: 2", b"content-length: 02", b"Content-Length: x"),
    *(b"Connection: keep-alive", b"Connection: close", b"Connection: a", b"Keep-Alive: 5"),
    *(b"Transfer-Encoding: chunked", b"Upgrade: h2c", b"TE: trailers", b"Expect: 100-continue"),
    *(b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=a", b"Proxy: x", b"X_Forwarded_For: x"),
    *(b"X-Figueira-Backend: b", b"traceparent: 00-%b-%b-01" % (b"a" * 32, b"b" * 16)),
    *(b"Via: 1.1 figueira", b"Max-Forwards: 3", b"Trailer: x", b"Proxy-Connection: close"),
    *(b"A: \xff", b"A: \tb", b"A: b\tc", b" A: b", b"A", b"A: ", b"A: b\nB: c", b"A: b\rc", b": b"),
)
_BODIES = (b"", b"ok", b"ok\r\n\r\n", b"o", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
_lines = st.lists(st.sampled_from(_LINES), max_size=6)
_settings = settings(max_examples=300)


class _Receiver:
    """Takes what the parser finds."""

    is_full = False

    def __init__(self) -> None:
        self.heads: list[Inbound] = []
        self.body = b""
        self.ends = 0

    def request_read(self, inbound: Inbound) -> None:
        self.heads.append(inbound)

    def body_read(self, data: bytes) -> None:
        self.body += data

    def request_ended(self, trailers: Sequence[Header]) -> None:
        assert not trailers
        self.ends += 1

    def refused(self, refusal: BadRequest) -> None:
        raise AssertionError(refusal)


def _all_of(inbound: Inbound) -> dict[str, object]:
    told = {name: getattr(inbound, name) for name in Inbound.__slots__ if name[0] != "_"}
    # Both are about how it was written, and the parser's is written later.
    del told["fields"], told["has_hop"], told["connection"]
    routed = (inbound.path, inbound.query, inbound.named, inbound.method, inbound.lines)
    return told | {"routed": routed, "written": write_request(inbound)}


@given(
    first=st.sampled_from(
        (
            *(b"GET / HTTP/1.1", b"POST /a?b=c?d HTTP/1.1", b"OPTIONS /%2F HTTP/1.1"),
            *(
                b"GET // HTTP/1.1",
                b"HEAD /\xc3\xa3 HTTP/1.1",
                b"GET /a HTTP/1.0",
                b"GET * HTTP/1.1",
            ),
            *(
                b"GET /a\tb HTTP/1.1",
                b"CONNECT /a HTTP/1.1",
                b"GET /a HTTP/1.1 ",
                b" GET / HTTP/1.1",
            ),
        )
    ),
    lines=_lines,
    body=st.sampled_from(_BODIES),
    gateway=st.sampled_from([_GATEWAY, _BY_HOST]),
)
@example(first=b"GET / HTTP/1.1", lines=[b"Host: shop.test"], body=b"", gateway=_GATEWAY)
@example(first=b"GET / HTTP/1.1", lines=[b"Host: shop.test"], body=b"", gateway=_BY_HOST)
@example(
    first=b"POST / HTTP/1.1",
    lines=[b"Host: a", b"Content-Length: 2"],
    body=b"ok",
    gateway=_GATEWAY,
)
@_settings
def test_a_plain_request_is_what_the_parser_reads(
    first: bytes, lines: list[bytes], body: bytes, gateway: Gateway
) -> None:
    data = b"\r\n".join([first, *lines, b"", body])
    last = Repeated()
    # The third time nothing but its target and body is looked at.
    plain = [gateway.plain_requests.read(data, last) for _ in range(3)][-1]
    if plain is None:
        return
    receiver = _Receiver()
    RequestReader(gateway, receiver).feed(data)
    assert [_all_of(plain[0])] == [_all_of(inbound) for inbound in receiver.heads]
    assert (plain[1], 1) == (receiver.body, receiver.ends)


@given(data=st.binary(max_size=4), place=st.integers(0, 200), cut=st.integers(0, 4))
@_settings
def test_a_request_with_a_few_bytes_changed_is_what_the_parser_reads_or_none(
    data: bytes, place: int, cut: int
) -> None:
    whole = (
        b"POST /a?b=c HTTP/1.1\r\nHost: shop.test\r\nX-Customer-Id: 7\r\nAccept: */*\r\n"
        b"Connection: keep-alive\r\nContent-Length: 2\r\n\r\nok"
    )
    mutant = whole[:place] + data + whole[place + cut :]
    last = Repeated()
    for _ in range(2):
        _GATEWAY.plain_requests.read(whole, last)
    _assert_read_as_by_the_parser(mutant, last)


@given(data=st.binary(max_size=4), place=st.integers(0, 200), cut=st.integers(0, 40))
@_settings
def test_a_request_like_the_last_but_for_its_id_is_what_the_parser_reads_or_none(
    data: bytes, place: int, cut: int
) -> None:
    whole = (
        b"POST /a?b=c HTTP/1.1\r\nHost: shop.test\r\nX-Customer-Id: 7\r\nAccept: */*\r\n"
        b"X-Request-Id: %d\r\nContent-Length: 2\r\n\r\nok"
    )
    last = Repeated()
    for number in range(2):
        _GATEWAY.plain_requests.read(whole % number, last)
    assert last.by is _GATEWAY.plain_requests
    mutant = whole % 70_000
    _assert_read_as_by_the_parser(mutant[:place] + data + mutant[place + cut :], last)


def _assert_read_as_by_the_parser(data: bytes, last: Repeated) -> None:
    """Or left to it."""
    plain = _GATEWAY.plain_requests.read(data, last)
    if plain is None:
        return
    receiver = _Receiver()
    RequestReader(_GATEWAY, receiver).feed(data)
    assert [_all_of(plain[0])] == [_all_of(inbound) for inbound in receiver.heads]
    assert (plain[1], 1) == (receiver.body, receiver.ends)


class _Caller:
    """Asks, and hears of no interim answer: all that is wanted of a caller here."""

    method, upgrade = b"GET", None

    def answer_interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        raise AssertionError(status, reason, headers)


@given(
    first=st.sampled_from(
        (
            *(b"HTTP/1.1 200 OK", b"HTTP/1.1 599 \xff", b"HTTP/1.1 404 Nicht da", b"HTTP/1.1 200 "),
            *(b"HTTP/1.1 200", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No", b"HTTP/1.1 100 Continue"),
        )
    ),
    lines=_lines,
    body=st.sampled_from(_BODIES),
)
@example(first=b"HTTP/1.1 200 OK", lines=[b"A: b", b"Content-Length: 2"], body=b"ok")
@_settings
def test_a_plain_answer_is_what_the_parser_reads(
    first: bytes, lines: list[bytes], body: bytes
) -> None:
    data = b"\r\n".join([first, *lines, b"", body])
    last = LastHead()
    for _ in range(2):
        read_plain_response(data, last)
    plain = read_plain_response(data, last)
    assert (plain is None) == (read_plain_response(data, LastHead()) is None)
    if plain is None:
        return
    outbound, head_bytes = plain
    parsed = ParsedAnswer(cast("Caller", _Caller()))
    parsed.feed(data)
    read = parsed.outbound
    assert read is not None
    for name in ("status", "reason", "lines", "body", "length", "keep_alive", "upgrade"):
        assert getattr(outbound, name) == getattr(read, name)
    assert outbound.head == write_response(read, to_http11=True, keep_alive=True)
    assert b"".join(parsed.take()) == data[head_bytes : head_bytes + outbound.length]
    assert parsed.is_ended == (len(data) >= head_bytes + outbound.length)
