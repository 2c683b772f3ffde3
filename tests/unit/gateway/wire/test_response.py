"""Answers: what cannot be passed on safely is a bad gateway, the rest crosses as it came."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.inbound import Body
from gateway.wire.messages import Header
from gateway.wire.plain_response import LastHead, read_plain_response
from gateway.wire.response import (
    BadResponse,
    Outbound,
    content_type,
    read_response,
    write_interim,
    write_response,
)

_LENGTH = (b"Content-Length", b"5")
_CHUNKED = (b"Transfer-Encoding", b"chunked")


def _read(
    *fields: Header,
    method: bytes = b"GET",
    version: str = "1.1",
    status: int = 200,
    reason: bytes = b"OK",
) -> Outbound:
    return read_response(method, version, status, reason, fields)


@pytest.mark.parametrize(
    ("method", "status", "fields", "body", "length"),
    [
        pytest.param(b"GET", 200, [_LENGTH], Body.LENGTH, 5, id="length"),
        pytest.param(b"GET", 200, [(b"Content-Length", b"0")], Body.LENGTH, 0, id="empty"),
        pytest.param(b"GET", 200, [(b"Content-Length", b"5 ")], Body.LENGTH, 5, id="space"),
        pytest.param(b"GET", 200, [_CHUNKED], Body.CHUNKED, 0, id="chunked"),
        pytest.param(
            b"GET", 200, [(b"Transfer-Encoding", b"Chunked ")], Body.CHUNKED, 0, id="case"
        ),
        pytest.param(b"GET", 200, [], Body.CLOSE, 0, id="until-the-end"),
        pytest.param(b"POST", 500, [], Body.CLOSE, 0, id="error-until-the-end"),
        pytest.param(b"HEAD", 200, [_LENGTH], Body.NONE, 0, id="head-length"),
        pytest.param(b"HEAD", 200, [_CHUNKED], Body.NONE, 0, id="head-chunked"),
        pytest.param(b"HEAD", 404, [], Body.NONE, 0, id="head-neither"),
        pytest.param(b"GET", 204, [_LENGTH], Body.NONE, 0, id="204-length"),
        pytest.param(b"GET", 204, [_CHUNKED], Body.NONE, 0, id="204-chunked"),
        pytest.param(b"GET", 204, [], Body.NONE, 0, id="204"),
        pytest.param(b"GET", 304, [_LENGTH], Body.NONE, 0, id="304-length"),
        pytest.param(b"GET", 304, [], Body.NONE, 0, id="304"),
        pytest.param(b"GET", 205, [_LENGTH], Body.LENGTH, 5, id="205-is-framed-like-others"),
        pytest.param(b"GET", 100, [], Body.NONE, 0, id="100"),
        pytest.param(b"GET", 101, [_LENGTH], Body.NONE, 0, id="101"),
        pytest.param(b"GET", 199, [], Body.NONE, 0, id="199"),
        pytest.param(b"head", 200, [], Body.CLOSE, 0, id="methods-are-case-sensitive"),
    ],
)
def test_the_body_ends_where_method_status_and_fields_say(
    method: bytes, status: int, fields: list[Header], body: Body, length: int
) -> None:
    outbound = _read(*fields, method=method, status=status)
    assert (body, length) == (outbound.body, outbound.length)


@pytest.mark.parametrize("method", [b"GET", b"HEAD"], ids=bytes.decode)
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([_LENGTH, _LENGTH], id="same-length-twice"),
        pytest.param([_LENGTH, (b"content-length", b"6")], id="two-lengths"),
        pytest.param([_LENGTH, _CHUNKED], id="length-and-coding"),
        pytest.param([_CHUNKED, _LENGTH], id="coding-and-length"),
        pytest.param([(b"Content-Length", b"-5")], id="negative"),
        pytest.param([(b"Content-Length", b"+5")], id="plus"),
        pytest.param([(b"Content-Length", b"5, 5")], id="list"),
        pytest.param([(b"Content-Length", b"")], id="empty"),
        pytest.param([(b"Content-Length", b"five")], id="word"),
        pytest.param([(b"Content-Length", "²".encode("latin-1"))], id="superscript"),
        pytest.param([(b"Content-Length", b"1" * 19)], id="beyond-63-bits"),
        pytest.param([(b"Transfer-Encoding", b"gzip, chunked")], id="gzip-chunked"),
        pytest.param([(b"Transfer-Encoding", b"gzip"), _CHUNKED], id="gzip-then-chunked"),
        pytest.param([_CHUNKED, _CHUNKED], id="chunked-twice"),
        pytest.param([(b"Transfer-Encoding", b"identity")], id="identity"),
        pytest.param([(b"Transfer-Encoding", b"")], id="empty-coding"),
    ],
)
def test_an_ambiguous_framing_is_a_bad_answer_whatever_was_asked(
    fields: list[Header], method: bytes
) -> None:
    with pytest.raises(BadResponse):
        _read(*fields, method=method)


@pytest.mark.parametrize("status", [-1, 0, 99, 600, 999, 99_999])
def test_a_status_that_does_not_exist_is_a_bad_answer_and_is_shown(status: int) -> None:
    with pytest.raises(BadResponse, match=str(status)):
        _read(_LENGTH, status=status)


def test_a_transfer_coding_in_http_1_0_is_a_bad_answer() -> None:
    with pytest.raises(BadResponse, match=r"HTTP/1\.0"):
        _read(_CHUNKED, version="1.0")


def test_a_bad_length_is_shown_shortened_and_escaped() -> None:
    with pytest.raises(BadResponse) as caught:
        _read((b"Content-Length", b"\x1b[31m" + b"x" * 1000))
    assert "\\x1b[31m" in str(caught.value)
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize("status", [100, 101, 204])
def test_no_length_is_passed_on_where_an_answer_may_not_have_one(status: int) -> None:
    fields = [(b"A", b"1"), _LENGTH, (b"B", b"2")]
    assert _read(*fields, status=status).lines == [(b"A", b"1"), (b"B", b"2")]


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"GET", 304)])
def test_the_length_of_a_body_that_is_not_sent_is_passed_on(method: bytes, status: int) -> None:
    assert _read(_LENGTH, method=method, status=status).lines == [_LENGTH]


def test_order_duplicates_case_and_reason_cross_unchanged() -> None:
    fields = [
        (b"date", b"Mon, 01 Jan 2024 00:00:00 GMT"),
        (b"Set-Cookie", b"a=1"),
        (b"SERVER", b"old/1.0"),
        (b"set-cookie", b"b=2"),
        (b"Link", b"</a>"),
        (b"Link", b"</b>"),
        (b"content-LENGTH", b"5"),
        (b"X-Empty", b""),
    ]
    outbound = _read(*fields, status=418, reason=b"Ol\xe1")
    assert fields == outbound.lines
    assert write_response(outbound, to_http11=True, keep_alive=True) == (
        b"HTTP/1.1 418 Ol\xe1\r\ndate: Mon, 01 Jan 2024 00:00:00 GMT\r\nSet-Cookie: a=1\r\n"
        b"SERVER: old/1.0\r\nset-cookie: b=2\r\nLink: </a>\r\nLink: </b>\r\n"
        b"content-LENGTH: 5\r\nX-Empty: \r\n\r\n"
    )


def test_hop_by_hop_and_connection_named_fields_are_removed() -> None:
    outbound = _read(
        (b"Connection", b"X-A, Content-Length"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Proxy-Authenticate", b"Basic"),
        (b"Upgrade", b"h2c"),
        (b"X-A", b"1"),
        (b"X-B", b"2"),
        _LENGTH,
    )
    assert outbound.lines == [(b"X-B", b"2"), _LENGTH]


@pytest.mark.parametrize(
    ("version", "fields", "expected"),
    [
        pytest.param("1.1", [_LENGTH], True, id="1.1-stays"),
        pytest.param("1.1", [_LENGTH, (b"Connection", b"Close")], False, id="1.1-close"),
        pytest.param("1.1", [], False, id="1.1-body-until-the-end"),
        pytest.param("1.0", [_LENGTH], False, id="1.0-closes"),
        pytest.param("1.0", [_LENGTH, (b"Connection", b"keep-alive")], True, id="1.0-keep-alive"),
        pytest.param("1.0", [(b"Connection", b"keep-alive")], False, id="1.0-no-length-after-all"),
    ],
)
def test_a_backends_connection_is_used_again_only_if_its_answer_allows(
    version: str, fields: list[Header], expected: bool
) -> None:
    assert expected is _read(*fields, version=version).keep_alive


@pytest.mark.parametrize(
    ("fields", "to_http11", "keep_alive", "expected"),
    [
        pytest.param([_LENGTH], True, True, b"Content-Length: 5\r\n", id="length-to-1.1"),
        pytest.param(
            [_LENGTH],
            False,
            True,
            b"Content-Length: 5\r\nConnection: keep-alive\r\n",
            id="length-to-1.0-that-stays",
        ),
        pytest.param(
            [_LENGTH], True, False, b"Content-Length: 5\r\nConnection: close\r\n", id="last-answer"
        ),
        pytest.param(
            [_CHUNKED], True, True, b"Transfer-Encoding: chunked\r\n", id="chunked-to-1.1"
        ),
        pytest.param([_CHUNKED], False, False, b"Connection: close\r\n", id="chunked-to-1.0"),
        pytest.param([], True, True, b"Transfer-Encoding: chunked\r\n", id="until-the-end-to-1.1"),
        pytest.param([], False, False, b"Connection: close\r\n", id="until-the-end-to-1.0"),
    ],
)
def test_the_customer_gets_the_framing_its_version_knows(
    fields: list[Header], to_http11: bool, keep_alive: bool, expected: bytes
) -> None:
    written = write_response(_read(*fields), to_http11=to_http11, keep_alive=keep_alive)
    assert written == b"HTTP/1.1 200 OK\r\n" + expected + b"\r\n"


def test_an_answer_to_head_says_how_the_body_would_come_to_those_who_understand_it() -> None:
    outbound = _read(_CHUNKED, method=b"HEAD")
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert write_response(outbound, to_http11=True, keep_alive=True) == chunked
    written = write_response(outbound, to_http11=False, keep_alive=False)
    assert written == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


def test_an_empty_reason_stays_empty() -> None:
    written = write_response(_read(_LENGTH, reason=b""), to_http11=True, keep_alive=True)
    assert written.startswith(b"HTTP/1.1 200 \r\n")


def test_an_interim_answer_keeps_all_but_what_speaks_of_one_connection() -> None:
    fields = [
        (b"Link", b"</a.css>; rel=preload"),
        (b"link", b"</b.css>; rel=preload"),
        (b"X-Forwarded-Host", b"kept as in a final answer"),
        (b"Connection", b"X-A"),
        (b"X-A", b"1"),
        (b"Keep-Alive", b"timeout=5"),
        _LENGTH,
        _CHUNKED,
    ]
    assert write_interim(103, b"Early Hints", fields) == (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n"
        b"link: </b.css>; rel=preload\r\nX-Forwarded-Host: kept as in a final answer\r\n\r\n"
    )


@given(
    status=st.integers(min_value=-5, max_value=1100),
    method=st.sampled_from([b"GET", b"HEAD", b"POST"]),
    version=st.sampled_from(["1.0", "1.1"]),
    fields=st.lists(
        st.tuples(
            st.sampled_from([b"Content-Length", b"Transfer-Encoding", b"Connection", b"X-A"]),
            st.sampled_from([b"5", b"chunked", b"gzip", b"close", b"keep-alive", b""]),
        ),
        max_size=4,
    ),
)
@settings(max_examples=60)
def test_what_is_written_is_framed_in_one_way_only(
    status: int, method: bytes, version: str, fields: list[Header]
) -> None:
    """An answer that passes has at most one framing field, and one of them wherever it needs it."""
    try:
        outbound = _read(*fields, status=status, method=method, version=version)
    except BadResponse:
        return
    written = write_response(outbound, to_http11=True, keep_alive=True).lower()
    lengths = written.count(b"\r\ncontent-length: ")
    codings = written.count(b"\r\ntransfer-encoding: ")
    assert lengths + codings <= 1
    if outbound.body is not Body.NONE:
        assert lengths + codings == 1


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (b"Content-Type: application/json\r\n", b"application/json"),
        (b"CONTENT-type: text/html; charset=utf-8\r\n", b"text/html; charset=utf-8"),
        (b"X-Content-Type: a\r\nContent-Type: b\r\n", b"b"),
        (b"X-Type: a\r\n", b""),
    ],
)
def test_what_a_body_is_is_read_alike_however_the_head_was_read(fields: bytes, told: bytes) -> None:
    plain = read_plain_response(
        b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 2\r\n\r\nok", LastHead()
    )
    assert plain is not None
    assert content_type(plain[0]) == told
    lines = [line.partition(b":") for line in fields.split(b"\r\n") if line]
    headers = [(name, value.strip()) for name, _, value in lines]
    parsed = read_response(b"GET", "1.1", 200, b"OK", headers)
    assert content_type(parsed) == told
