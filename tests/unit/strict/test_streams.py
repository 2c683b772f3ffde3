"""The strict reader refuses what no sender may send, and reads the rest as another parser does."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.strict.grammar import Liberty, ViolationError
from tests.support.strict.messages import Answer, Request
from tests.support.strict.streams import AnswerStream, RequestStream

_HEAD = b"POST / HTTP/1.1\r\nHost: shop\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\n"
_OK_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_GET = Request(version="1.1", method=b"GET", target=b"/")
_HEAD_REQUEST = Request(version="1.1", method=b"HEAD", target=b"/")
_OLD = Request(version="1.0", method=b"GET", target=b"/")
_OFFER = Request(
    version="1.1",
    method=b"GET",
    target=b"/",
    fields=[(b"Connection", b"upgrade"), (b"Upgrade", b"websocket")],
)


def _read_requests(data: bytes, *liberties: Liberty) -> list[Request]:
    stream = RequestStream(frozenset(liberties))
    stream.feed(data)
    return stream.requests


def _read_answers(
    data: bytes, *asked: Request, liberties: frozenset[Liberty] = frozenset()
) -> AnswerStream:
    requests = asked or (_GET,)
    stream = AnswerStream(
        lambda number: requests[number] if number < len(requests) else None, liberties
    )
    stream.feed(data)
    return stream


def _feed(stream: RequestStream, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        stream.feed(piece)


REFUSED_REQUESTS = {
    "bare LF behind the request line": b"GET / HTTP/1.1\nHost: shop\r\n\r\n",
    "bare LF behind a field": _HEAD + b"X: y\nZ: z\r\n\r\n",
    "bare LF at the end of the head": b"GET / HTTP/1.1\r\nHost: shop\r\n\n",
    "bare CR in a value": _HEAD + b"X: y\rz\r\n\r\n",
    "bare CR as a line end": b"GET / HTTP/1.1\rHost: shop\r\r",
    "two CRs before a LF": _HEAD + b"X: y\r\r\n\r\n",
    "folded line": _HEAD + b"X: a\r\n b\r\n\r\n",
    "folded line with a tab": _HEAD + b"X: a\r\n\tb\r\n\r\n",
    "space before the first field": b"GET / HTTP/1.1\r\n Host: shop\r\n\r\n",
    "space before the colon": _HEAD + b"X : a\r\n\r\n",
    "tab before the colon": _HEAD + b"X\t: a\r\n\r\n",
    "no colon": _HEAD + b"X\r\n\r\n",
    "no name": _HEAD + b": a\r\n\r\n",
    "space in a name": _HEAD + b"X Y: a\r\n\r\n",
    "bytes beyond ASCII in a name": _HEAD + b"\xe3: a\r\n\r\n",
    "NUL in a value": _HEAD + b"X: a\x00b\r\n\r\n",
    "control character in a value": _HEAD + b"X: a\x01b\r\n\r\n",
    "delete in a value": _HEAD + b"X: \x7f\r\n\r\n",
    "lower-case version": b"GET / http/1.1\r\nHost: shop\r\n\r\n",
    "version 1.2": b"GET / HTTP/1.2\r\nHost: shop\r\n\r\n",
    "version 2.0": b"GET / HTTP/2.0\r\nHost: shop\r\n\r\n",
    "version 1.10": b"GET / HTTP/1.10\r\nHost: shop\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: shop\r\n\r\n",
    "tab in the request line": b"GET\t/ HTTP/1.1\r\nHost: shop\r\n\r\n",
    "space behind the version": b"GET / HTTP/1.1 \r\nHost: shop\r\n\r\n",
    "space before the method": b" GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
    "method that is no token": b"G(T / HTTP/1.1\r\nHost: shop\r\n\r\n",
    "fragment": b"GET /a#b HTTP/1.1\r\nHost: shop\r\n\r\n",
    "bytes beyond ASCII in a target": b"GET /\xe3 HTTP/1.1\r\nHost: shop\r\n\r\n",
    "broken escape": b"GET /%2 HTTP/1.1\r\nHost: shop\r\n\r\n",
    "brace in a target": b"GET /{ HTTP/1.1\r\nHost: shop\r\n\r\n",
    "star for GET": b"GET * HTTP/1.1\r\nHost: shop\r\n\r\n",
    "target without a slash": b"GET a HTTP/1.1\r\nHost: shop\r\n\r\n",
    "absolute form of another scheme": b"GET ftp://shop/ HTTP/1.1\r\nHost: shop\r\n\r\n",
    "absolute form without a host": b"GET http:///a HTTP/1.1\r\nHost: shop\r\n\r\n",
    "absolute form with userinfo": b"GET http://a@shop/ HTTP/1.1\r\nHost: shop\r\n\r\n",
    "connect to a path": b"CONNECT / HTTP/1.1\r\nHost: shop\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": _HEAD + b"host: shop\r\n\r\n",
    "Host with a space": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "Host with userinfo": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "Host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "Host with junk behind the port": b"GET / HTTP/1.1\r\nHost: a:80b\r\n\r\n",
    "both lengths": _HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "both lengths, reversed": _HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    "two Content-Lengths": _HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "the same Content-Length twice": _HEAD + b"Content-Length: 5\r\ncontent-length: 5\r\n\r\n",
    "list of lengths": _HEAD + b"Content-Length: 5, 5\r\n\r\n",
    "signed length": _HEAD + b"Content-Length: +5\r\n\r\n",
    "negative length": _HEAD + b"Content-Length: -5\r\n\r\n",
    "hexadecimal length": _HEAD + b"Content-Length: 0x5\r\n\r\n",
    "empty length": _HEAD + b"Content-Length:\r\n\r\n",
    "length with an underscore": _HEAD + b"Content-Length: 1_0\r\n\r\n",
    "length in other digits": _HEAD + b"Content-Length: \xb2\r\n\r\n",
    "endless length": _HEAD + b"Content-Length: " + b"9" * 20 + b"\r\n\r\n",
    "coding in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "identity": _HEAD + b"Transfer-Encoding: identity\r\n\r\n",
    "unknown coding": _HEAD + b"Transfer-Encoding: xchunked\r\n\r\n",
    "chunked twice": _HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
    "chunked twice in two lines": _HEAD + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n",
    "chunked before gzip": _HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n",
    "gzip alone": _HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
    "chunked with a parameter": _HEAD + b"Transfer-Encoding: chunked;a=b\r\n\r\n",
    "empty list member": _HEAD + b"Transfer-Encoding: , chunked\r\n\r\n",
    "empty coding": _HEAD + b"Transfer-Encoding:\r\n\r\n",
    "TE that Connection does not name": _HEAD + b"TE: trailers\r\n\r\n",
    "Upgrade that Connection does not name": _HEAD + b"Upgrade: websocket\r\n\r\n",
    "hexadecimal mark": _CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "signed chunk size": _CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
    "space before a chunk size": _CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n",
    "space behind a chunk size": _CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n",
    "space before an extension": _CHUNKED + b"5 ;a\r\nhello\r\n0\r\n\r\n",
    "empty chunk size": _CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "chunk size of 17 digits": _CHUNKED + b"1" * 17 + b"\r\nhello\r\n",
    "junk behind a chunk size": _CHUNKED + b"5x\r\nhello\r\n0\r\n\r\n",
    "bare LF behind a chunk size": _CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "bare LF behind chunk data": _CHUNKED + b"5\r\nhello\n0\r\n\r\n",
    "chunk data beyond its size": _CHUNKED + b"5\r\nhello!\r\n0\r\n\r\n",
    "no line end behind chunk data": _CHUNKED + b"5\r\nhello0\r\n\r\n",
    "extension without a name": _CHUNKED + b"5;=a\r\nhello\r\n0\r\n\r\n",
    "extension with an open quote": _CHUNKED + b'5;a="b\r\nhello\r\n0\r\n\r\n',
    "bare LF at the end of the body": _CHUNKED + b"0\r\n\n",
    "folded trailer": _CHUNKED + b"0\r\nX: y\r\n z\r\n\r\n",
    "request as a trailer": _CHUNKED + b"0\r\nGET / HTTP/1.1\r\nHost: shop\r\n\r\n",
    "length in a trailer": _CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n",
    "bytes behind the last request": _HEAD + b"Connection: close\r\n\r\n\r\n",
    "bytes behind the only request of HTTP/1.0": b"GET / HTTP/1.0\r\n\r\nG",
    "bytes beyond a length": _HEAD + b"Content-Length: 1\r\n\r\nab\r\n",
}


@pytest.mark.parametrize("data", REFUSED_REQUESTS.values(), ids=REFUSED_REQUESTS)
def test_a_request_that_no_client_may_send_is_refused(data: bytes) -> None:
    with pytest.raises(ViolationError):
        _read_requests(data)


@pytest.mark.parametrize("data", REFUSED_REQUESTS.values(), ids=REFUSED_REQUESTS)
def test_it_is_refused_byte_by_byte_as_well(data: bytes) -> None:
    with pytest.raises(ViolationError):
        _feed(RequestStream(), (bytes((byte,)) for byte in data))


REFUSED_ANSWERS = {
    "nobody asked": (_OK + b"Content-Length: 0\r\n\r\n" + _OK, ()),
    "lower-case version": (b"http/1.1 200 OK\r\n\r\n", ()),
    "version 1.2": (b"HTTP/1.2 200 OK\r\n\r\n", ()),
    "no space behind the status": (b"HTTP/1.1 200\r\n\r\n", ()),
    "reason without a space": (b"HTTP/1.1 200OK\r\n\r\n", ()),
    "status 99": (b"HTTP/1.1 099 Low\r\n\r\n", ()),
    "status 600": (b"HTTP/1.1 600 High\r\n\r\n", ()),
    "status of four digits": (b"HTTP/1.1 2000 High\r\n\r\n", ()),
    "control character in the reason": (b"HTTP/1.1 200 O\x01K\r\n\r\n", ()),
    "bare LF": (b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", ()),
    "folded line": (_OK + b"X: a\r\n b\r\n\r\n", ()),
    "both lengths": (_OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", ()),
    "two lengths": (_OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", ()),
    "signed length": (_OK + b"Content-Length: +1\r\n\r\n", ()),
    "chunked in HTTP/1.0": (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ()),
    "chunked for HTTP/1.0": (_OK_CHUNKED, (_OLD,)),
    "interim for HTTP/1.0": (b"HTTP/1.1 103 Early Hints\r\n\r\n", (_OLD,)),
    "length in a 204": (b"HTTP/1.1 204 None\r\nContent-Length: 0\r\n\r\n", ()),
    "coding in a 204": (b"HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n", ()),
    "length in a 103": (b"HTTP/1.1 103 Hints\r\nContent-Length: 0\r\n\r\n", ()),
    "unasked 101": (
        b"HTTP/1.1 101 Switch\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        (),
    ),
    "101 to nothing": (b"HTTP/1.1 101 Switch\r\n\r\n", (_OFFER,)),
    "body of a HEAD": (_OK + b"Content-Length: 5\r\n\r\nhello", (_HEAD_REQUEST,)),
    "body of a 304": (b"HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\nhello", ()),
    "bytes beyond a length": (_OK + b"Content-Length: 5\r\n\r\nhello!", ()),
    "junk chunk size": (_OK_CHUNKED + b"x\r\n", ()),
    "bytes behind the last chunk": (_OK_CHUNKED + b"0\r\n\r\n!", ()),
    "bytes behind a close": (
        _OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n" + _OK,
        (_GET, _GET),
    ),
}


@pytest.mark.parametrize(("data", "asked"), REFUSED_ANSWERS.values(), ids=REFUSED_ANSWERS)
def test_an_answer_that_no_server_may_send_is_refused(
    data: bytes, asked: tuple[Request, ...]
) -> None:
    with pytest.raises(ViolationError):
        _read_answers(data, *asked)


def test_a_request_is_read_with_all_its_parts() -> None:
    (request,) = _read_requests(
        b"\r\n"
        + _CHUNKED.replace(b"chunked", b"gzip, Chunked")
        + b'5;a="\\"\xff";b=c;d\r\nhello\r\n00A\r\n0123456789\r\n000\r\nX-Sum: 1\r\n\r\n'
    )
    assert (request.method, request.target, request.version) == (b"POST", b"/", "1.1")
    assert request.fields[0] == (b"Host", b"shop")
    assert (bytes(request.body), request.body_bytes) == (b"hello0123456789", 15)
    assert request.trailers == [(b"X-Sum", b"1")]
    assert request.is_complete


@pytest.mark.parametrize(
    "head",
    [
        b"GET /a?b=c&d=%2F/? HTTP/1.1\r\nHost: shop:80\r\n\r\n",
        b"GET //a/../b;c=1 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        b"GET http://shop?a HTTP/1.1\r\nHost:\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n",
        b"CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"M-SEARCH / HTTP/1.1\r\nHost:shop\r\nX:\xff\ta \r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: TE, close\r\nTE: trailers\r\n\r\n",
    ],
)
def test_what_a_client_may_send_is_one_complete_request(head: bytes) -> None:
    assert [request.is_complete for request in _read_requests(head)] == [True]


def test_interim_answers_come_before_the_final_one() -> None:
    stream = _read_answers(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _OK + b"Content-Length: 2\r\n\r\nhi"
    )
    assert [answer.status for answer in stream.interim] == [103]
    assert [bytes(answer.body) for answer in stream.answers] == [b"hi"]
    assert stream.is_at_rest


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    stream = _read_answers(_OK + b"\r\nhello")
    assert not stream.answers[0].is_complete
    stream.end()
    assert (bytes(stream.answers[0].body), stream.answers[0].is_complete) == (b"hello", True)


def test_an_answer_with_a_length_does_not_end_with_its_connection() -> None:
    stream = _read_answers(_OK + b"Content-Length: 6\r\n\r\nhello")
    stream.end()
    assert not stream.answers[0].is_complete
    assert not stream.is_at_rest


def test_what_comes_behind_a_switch_of_protocols_is_not_http() -> None:
    head = b"HTTP/1.1 101 Switch\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    stream = _read_answers(head + b"\x81\x00", _OFFER)
    stream.feed(b"\n\n\n")
    assert stream.is_raw


LIBERTIES = {
    Liberty.VISIBLE_TARGET: b"GET /{|}%?a=%2 HTTP/1.1\r\nHost: shop\r\n\r\n",
    Liberty.CONTROL_CHARACTERS: _HEAD + b"X: a\x01b\r\n\r\n",
    Liberty.UNNAMED_HOP_FIELDS: _HEAD + b"TE: trailers\r\nUpgrade: h2c\r\n\r\n",
    Liberty.ANY_EXTENSION: _CHUNKED + b"5;;a=\r\nhello\r\n0\r\n\r\n",
    Liberty.ANY_TRAILER: _CHUNKED + b"0\r\nHost: evil\r\n\r\n",
}


@pytest.mark.parametrize(("liberty", "data"), LIBERTIES.items(), ids=lambda each: str(each)[:30])
def test_a_liberty_is_granted_only_where_it_is_asked_for(liberty: Liberty, data: bytes) -> None:
    assert _read_requests(data, liberty)[0].is_complete
    with pytest.raises(ViolationError):
        _read_requests(data, *(set(Liberty) - {liberty}))


def test_an_empty_reason_may_be_left_without_its_space_if_that_liberty_is_granted() -> None:
    liberties = frozenset({Liberty.NO_SPACE_BEHIND_STATUS})
    stream = _read_answers(b"HTTP/1.1 204\r\n\r\n", liberties=liberties)
    assert stream.answers[0].is_complete


def test_a_stream_that_was_refused_stays_refused() -> None:
    stream = RequestStream()
    for data in (b"\n", b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"):
        with pytest.raises(ViolationError, match="bare LF"):
            stream.feed(data)


_BODIES = st.binary(max_size=20)
_FIELDS = st.lists(
    st.tuples(
        st.from_regex(rb"x-[a-z]{1,8}", fullmatch=True),
        st.from_regex(rb"([!-~]([ -~]{0,8}[!-~])?)?", fullmatch=True),
    ),
    max_size=4,
)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(_FIELDS, st.one_of(_BODIES, st.lists(_BODIES.filter(bool)))), max_size=3),
    st.lists(st.integers(0, 200), max_size=6),
)
def test_another_parser_finds_the_same_messages(
    messages: list[tuple[list[tuple[bytes, bytes]], bytes | list[bytes]]], cuts: list[int]
) -> None:
    """However the bytes are cut; h11 is neither this reader nor what the gateway parses with."""
    data = b"".join(_written(fields, body) for fields, body in messages)
    stream = RequestStream()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    _feed(stream, (data[start:end] for start, end in pairwise(edges)))
    assert stream.is_at_rest
    ours = [(request.fields, bytes(request.body)) for request in stream.requests]
    assert ours == _as_h11_reads(data, len(messages))


def _written(fields: list[tuple[bytes, bytes]], body: bytes | list[bytes]) -> bytes:
    lines = b"".join(b"%b: %b\r\n" % each for each in fields)
    if isinstance(body, bytes):
        framed = b"content-length: %d\r\n\r\n%b" % (len(body), body)
    else:
        chunks = b"".join(b"%X\r\n%b\r\n" % (len(chunk), chunk) for chunk in body)
        framed = b"transfer-encoding: chunked\r\n\r\n%b0\r\n\r\n" % chunks
    return b"POST /a HTTP/1.1\r\nhost: shop\r\n" + lines + framed


def _as_h11_reads(data: bytes, count: int) -> list[tuple[list[tuple[bytes, bytes]], bytes]]:
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(data)
    found = []
    for _ in range(count):
        head = parser.next_event()
        assert isinstance(head, h11.Request)
        body = b""
        while isinstance(event := parser.next_event(), h11.Data):
            body += bytes(event.data)
        found.append((list(head.headers), body))
        parser.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        parser.send(h11.EndOfMessage())
        parser.start_next_cycle()
    return found


def test_an_answer_tells_what_it_says() -> None:
    answer: Answer = _read_answers(
        b"HTTP/1.1 202 Wird erledigt\r\nConnection: X, Close\r\nContent-Length: 0\r\n\r\n"
    ).answers[0]
    assert (answer.status, answer.reason) == (202, b"Wird erledigt")
    assert (answer.options(), answer.is_last) == ([b"x", b"close"], True)
