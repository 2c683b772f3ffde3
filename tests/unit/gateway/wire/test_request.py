"""Requests: what is ambiguous is refused, everything else crosses as it came."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.fields import PLAIN, Names
from gateway.wire.inbound import (
    MAX_FIELDS,
    MAX_TARGET_BYTES,
    BadRequest,
    Body,
    Inbound,
    too_large_head,
)
from gateway.wire.messages import Header
from gateway.wire.request import read_believed, read_request, without_named, write_request

_HOST = (b"Host", b"shop.example")
_FIXED_WORDS = re.compile(r"[A-Z][A-Za-z0-9 ,.;'/-]+")


def _read(
    *fields: Header,
    method: bytes = b"GET",
    target: bytes = b"/",
    version: str = "1.1",
    wanted: Names = PLAIN,
) -> Inbound:
    """Read a request to shop.example."""
    return read_request(method, target, version, [_HOST, *fields], wanted)


def _refusal(
    *fields: Header, method: bytes = b"GET", target: bytes = b"/", version: str = "1.1"
) -> BadRequest:
    """The refusal of a request with exactly these fields."""
    with pytest.raises(BadRequest) as caught:
        read_request(method, target, version, fields)
    return caught.value


@pytest.mark.parametrize(
    ("fields", "body", "length"),
    [
        pytest.param([], Body.NONE, 0, id="none"),
        pytest.param([(b"Content-Length", b"0")], Body.LENGTH, 0, id="zero"),
        pytest.param([(b"content-length", b"42")], Body.LENGTH, 42, id="length"),
        pytest.param([(b"Content-Length", b"042")], Body.LENGTH, 42, id="leading-zero"),
        pytest.param([(b"Content-Length", b" 42\t")], Body.LENGTH, 42, id="space-around"),
        pytest.param([(b"Content-Length", b"9" * 18)], Body.LENGTH, 10**18 - 1, id="longest"),
        pytest.param([(b"Transfer-Encoding", b"chunked")], Body.CHUNKED, 0, id="chunked"),
        pytest.param([(b"transfer-encoding", b"ChunKed ")], Body.CHUNKED, 0, id="chunked-case"),
    ],
)
def test_the_body_ends_where_the_one_framing_field_says(
    fields: list[Header], body: Body, length: int
) -> None:
    inbound = _read(*fields, method=b"POST")
    assert (body, length) == (inbound.body, inbound.length)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([(b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked")], id="cl-te"),
        pytest.param([(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"5")], id="te-cl"),
        pytest.param([(b"Content-Length", b"0"), (b"Transfer-Encoding", b"chunked")], id="cl0-te"),
        pytest.param([(b"Content-Length", b"5"), (b"Content-Length", b"6")], id="two-lengths"),
        pytest.param([(b"Content-Length", b"5"), (b"content-length", b"5")], id="same-twice"),
        pytest.param([(b"Content-Length", b"5, 5")], id="list-of-lengths"),
        pytest.param([(b"Content-Length", b"")], id="empty-length"),
        pytest.param([(b"Content-Length", b"-1")], id="negative"),
        pytest.param([(b"Content-Length", b"+5")], id="plus"),
        pytest.param([(b"Content-Length", b"0x5")], id="hexadecimal"),
        pytest.param([(b"Content-Length", b"5 5")], id="space-inside"),
        pytest.param([(b"Content-Length", b"1_0")], id="underscore"),
        pytest.param([(b"Content-Length", b"5.0")], id="fraction"),
        pytest.param([(b"Content-Length", "²".encode())], id="superscript"),
        pytest.param([(b"Content-Length", "²".encode("latin-1"))], id="superscript-latin-1"),
        pytest.param([(b"Content-Length", b"1" * 19)], id="beyond-63-bits"),
        pytest.param([(b"Content-Length", b"9" * 5000)], id="thousands-of-digits"),
        pytest.param([(b"Transfer-Encoding", b"gzip, chunked")], id="gzip-chunked"),
        pytest.param([(b"Transfer-Encoding", b"chunked, chunked")], id="chunked-twice"),
        pytest.param([(b"Transfer-Encoding", b"chunked")] * 2, id="two-codings"),
        pytest.param([(b"Transfer-Encoding", b"identity")], id="identity"),
        pytest.param([(b"Transfer-Encoding", b"")], id="empty-coding"),
        pytest.param([(b"Transfer-Encoding", b"xchunked")], id="xchunked"),
        pytest.param([(b"Transfer-Encoding", b"chunked;q=1")], id="parameter"),
        pytest.param([(b"Transfer-Encoding", b"\x0bchunked")], id="vertical-tab"),
    ],
)
def test_a_length_that_two_parsers_could_read_differently_is_refused(fields: list[Header]) -> None:
    assert _refusal(_HOST, *fields, method=b"POST").status == 400


def test_a_transfer_coding_in_http_1_0_is_refused() -> None:
    refusal = _refusal(_HOST, (b"Transfer-Encoding", b"chunked"), version="1.0")
    assert refusal.status == 400


def test_underscore_twins_of_framing_fields_are_removed_and_frame_nothing() -> None:
    inbound = _read((b"Transfer_Encoding", b"chunked"), (b"Content_Length", b"5"))
    assert inbound.body is Body.NONE
    assert inbound.lines == [_HOST]


@pytest.mark.parametrize("method", [b"CONNECT", b"TRACE"], ids=bytes.decode)
def test_connect_and_trace_are_not_supported(method: bytes) -> None:
    assert _refusal(_HOST, method=method, target=b"shop.example:443").status == 501


@pytest.mark.parametrize("method", [b"trace", b"PROPFIND", b"QUERY", b"M-SEARCH"])
def test_any_other_method_is_the_backends_business(method: bytes) -> None:
    assert method == _read(method=method).method


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0", "", "1.10"])
def test_other_versions_are_refused(version: str) -> None:
    assert _refusal(_HOST, version=version).status == 505


def test_a_target_may_be_as_long_as_the_limit_and_no_longer() -> None:
    longest = b"/".ljust(MAX_TARGET_BYTES, b"a")
    assert _read(target=longest).target == longest
    assert _refusal(_HOST, target=longest + b"a").status == 414


def test_a_request_may_have_as_many_fields_as_the_limit_and_no_more() -> None:
    most = [(b"X", b"1")] * (MAX_FIELDS - 1)
    assert len(_read(*most).lines) == MAX_FIELDS
    assert _refusal(_HOST, *most, (b"X", b"1")).status == 431


def test_a_head_that_is_too_large_has_its_own_status() -> None:
    assert too_large_head().status == 431


@given(
    target=st.binary(max_size=40),
    host=st.binary(max_size=20),
    name=st.sampled_from([b"Content-Length", b"Transfer-Encoding", b"Connection", b"X"]),
    value=st.binary(max_size=20),
)
@settings(max_examples=60)
def test_no_bytes_do_anything_but_pass_or_be_refused_without_being_repeated(
    target: bytes, host: bytes, name: bytes, value: bytes
) -> None:
    refusal: BadRequest | None = None
    try:
        inbound = read_request(b"GET", target, "1.1", [(b"Host", host), (name, value)])
    except BadRequest as caught:
        refusal = caught
    else:
        assert inbound.target.startswith(b"/")
        assert host.strip(b" \t") == inbound.host
    if refusal is not None:
        assert refusal.status == 400
        assert _FIXED_WORDS.fullmatch(refusal.detail), "a refusal never reflects the request"


def test_order_duplicates_and_case_cross_unchanged() -> None:
    fields = [
        (b"accept", b"a"),
        (b"HOST", b"shop.example"),
        (b"Cookie", b"a=1"),
        (b"ACCEPT", b"b"),
        (b"Cookie", b"b=2"),
        (b"X-Empty", b""),
        (b"Content-length", b"3"),
        (b"X-Bytes", b"\xff \xc3\xbc"),
    ]
    inbound = read_request(b"POST", b"/x", "1.1", fields)
    assert fields == inbound.lines
    assert write_request(inbound) == (
        b"POST /x HTTP/1.1\r\naccept: a\r\nHOST: shop.example\r\nCookie: a=1\r\nACCEPT: b\r\n"
        b"Cookie: b=2\r\nX-Empty: \r\nContent-length: 3\r\nX-Bytes: \xff \xc3\xbc\r\n\r\n"
    )


def test_a_trace_is_begun_behind_everything_else() -> None:
    written = write_request(_read((b"A", b"1")), b"B: 2\r\n", b"ab" * 16 + b"cd" * 8)
    trace = b"00-" + b"ab" * 16 + b"-" + b"cd" * 8 + b"-01"
    assert written.endswith(b"A: 1\r\nB: 2\r\ntraceparent: " + trace + b"\r\n\r\n")


def test_extra_lines_come_last_in_order() -> None:
    written = write_request(_read((b"A", b"1")), b"Via: 1.1 x\r\nB: 2\r\n")
    assert written.endswith(b"\r\nA: 1\r\nVia: 1.1 x\r\nB: 2\r\n\r\n")


def test_a_chunked_body_is_announced_in_the_one_spelling_all_backends_know() -> None:
    lines = _read((b"transfer-ENCODING", b" CHUNKED ")).lines
    assert lines == [_HOST, (b"transfer-ENCODING", b"chunked")]


def test_hop_by_hop_and_forged_fields_are_removed() -> None:
    inbound = _read(
        (b"Connection", b"keep-alive"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Proxy-Connection", b"keep-alive"),
        (b"Proxy-Authorization", b"Basic eDp5"),
        (b"TE", b"gzip"),
        (b"Upgrade", b"h2c"),
        (b"HTTP2-Settings", b"AAMAAABk"),
        (b"Proxy", b"http://evil.example"),
        (b"X_Forwarded_For", b"6.6.6.6"),
        (b"X_Figueira_Pin", b"1"),
        (b"Accept", b"*/*"),
    )
    assert inbound.lines == [_HOST, (b"Accept", b"*/*")]


def test_fields_that_connection_names_are_removed_save_those_a_proxy_needs() -> None:
    inbound = _read(
        (b"Content-Length", b"3"),
        (b"X-A", b"1"),
        (b"x-a", b"2"),
        (b"X-B", b"3"),
        (b"Expect", b"100-continue"),
        (b"traceparent", b"00-1-2-01"),
        (b"Connection", b"Host, Content-Length, X-A"),
        (b"Connection", b"expect, traceparent,, x-c"),
        (b"X-C", b"4"),
        method=b"POST",
    )
    assert [name for name, _ in inbound.lines] == [
        b"Host",
        b"Content-Length",
        b"X-B",
        b"Expect",
        b"traceparent",
    ]


def test_connection_cannot_remove_the_transfer_coding() -> None:
    lines = _read((b"Transfer-Encoding", b"chunked"), (b"Connection", b"Transfer-Encoding"))
    assert (b"Transfer-Encoding", b"chunked") in lines.lines


def test_connection_cannot_remove_what_is_kept_back_to_be_believed() -> None:
    forwarded = (b"X-Forwarded-For", b"198.51.100.1")
    assert _read(forwarded, (b"Connection", b"X-Forwarded-For")).forwarded == [forwarded]


def test_without_named_compares_names_in_any_case() -> None:
    lines = [(b"X-A", b"1"), (b"HOST", b"h"), (b"X-B", b"2")]
    assert without_named(lines, [b"x-a", b"host"]) == [(b"HOST", b"h"), (b"X-B", b"2")]


def test_what_must_be_believed_first_is_set_apart_in_order() -> None:
    forwarded = [(b"x-forwarded-for", b"a"), (b"Forwarded", b"for=b")]
    private = [(b"X-Figueira-Pin", b"image_service"), (b"x-figueira-draw", b"0")]
    inbound = _read(*forwarded, *private)
    assert (forwarded, private) == (inbound.forwarded, inbound.private)
    assert inbound.lines == [_HOST]


@pytest.mark.parametrize(
    ("version", "fields", "expected"),
    [
        pytest.param("1.1", [], True, id="1.1-stays"),
        pytest.param("1.1", [(b"Connection", b"close")], False, id="1.1-close"),
        pytest.param("1.1", [(b"connection", b"X-A, CLOSE")], False, id="close-in-a-list"),
        pytest.param(
            "1.1",
            [(b"Connection", b"keep-alive"), (b"Connection", b"close")],
            False,
            id="close-wins",
        ),
        pytest.param("1.1", [(b"Connection", b",")], True, id="empty-list"),
        pytest.param("1.0", [], False, id="1.0-closes"),
        pytest.param("1.0", [(b"Connection", b"Keep-Alive")], True, id="1.0-keep-alive"),
        pytest.param("1.0", [(b"Connection", b"x")], False, id="1.0-something-else"),
        pytest.param("1.0", [(b"Proxy-Connection", b"keep-alive")], False, id="no-such-field"),
    ],
)
def test_the_connection_stays_open_as_version_and_connection_say(
    version: str, fields: list[Header], expected: bool
) -> None:
    inbound = _read(*fields, version=version)
    assert expected is inbound.keep_alive
    assert (version == "1.1") is inbound.is_http11


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([b"100-continue"], True, id="plain"),
        pytest.param([b"100-Continue "], True, id="any-case"),
        pytest.param([b"100-continue", b"x"], True, id="another-one-behind"),
        pytest.param([b"x, 100-continue"], True, id="in-a-list"),
        pytest.param([b"200-ok"], False, id="something-else"),
        pytest.param([], False, id="none"),
    ],
)
def test_an_expectation_is_seen_and_passed_on(values: list[bytes], expected: bool) -> None:
    fields = [(b"Expect", value) for value in values]
    inbound = _read(*fields, method=b"POST")
    assert expected is inbound.expects_continue
    assert inbound.lines == [_HOST, *((name, value.strip()) for name, value in fields)]


def test_an_expectation_in_http_1_0_is_ignored_for_nothing_could_answer_it() -> None:
    inbound = _read((b"Expect", b"100-continue"), method=b"POST", version="1.0")
    assert not inbound.expects_continue
    assert inbound.lines == [_HOST]


def test_a_trace_context_is_noted_and_passed_on() -> None:
    field = (b"Traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    assert _read(field).traceparent == field[1]
    assert _read(field).lines == [_HOST, field]
    assert _read().traceparent is None


def test_only_wanted_names_are_kept_and_their_lines_joined() -> None:
    inbound = _read(
        (b"X-Customer-ID", b" 7\t"),
        (b"Cookie", b"a=1"),
        (b"x-customer-id", b"8"),
        (b"COOKIE", b"b=2"),
        (b"Accept", b"*/*"),
        wanted=Names({b"x-customer-id", b"cookie"}),
    )
    assert inbound.named == {b"x-customer-id": b"7, 8", b"cookie": b"a=1; b=2"}


def test_what_nobody_vouches_for_yet_does_not_reach_routing() -> None:
    names = (b"X-Figueira-Pin", b"X-Forwarded-Proto", b"Forwarded", b"Proxy", b"X_Figueira_Pin")
    wanted = Names([name.lower() for name in names])
    inbound = _read(*((name, b"forged") for name in names), wanted=wanted)
    assert inbound.named == {}


def test_what_is_believed_does() -> None:
    wanted = Names({b"x-figueira-pin", b"x-forwarded-proto"})
    inbound = _read(
        (b"X-Figueira-Pin", b"legacy"),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Port", b"443"),
        wanted=wanted,
    )
    read_believed(inbound, inbound.private or (), wanted)
    assert inbound.named == {b"x-figueira-pin": b"legacy"}
    read_believed(inbound, inbound.forwarded or (), wanted)
    assert inbound.named == {b"x-figueira-pin": b"legacy", b"x-forwarded-proto": b"https"}


_TOKEN = st.from_regex(rb"X-[A-Za-z0-9]{1,8}", fullmatch=True).filter(
    lambda name: not name.lower().startswith(b"x-f")
)
_VALUE = st.binary(max_size=20).map(lambda value: re.sub(rb"[\x00\r\n]", b"", value))


@given(
    st.lists(st.tuples(_TOKEN, _VALUE), max_size=8),
    st.from_regex(rb"/[!-\"$-~]{0,20}", fullmatch=True),
)
@settings(max_examples=60)
def test_end_to_end_fields_and_target_are_written_back_byte_for_byte(
    fields: list[Header], target: bytes
) -> None:
    inbound = _read(*fields, target=target)
    expected = b"".join(b"%b: %b\r\n" % field for field in [_HOST, *fields])
    assert write_request(inbound) == b"GET %b HTTP/1.1\r\n%b\r\n" % (target, expected)
