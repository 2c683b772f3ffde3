"""Whatever head is legal crosses: read and written anew, it says what it said, byte for byte."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.inbound import BadRequest, Inbound
from gateway.wire.messages import Header
from gateway.wire.request import read_request, write_request
from gateway.wire.response import Outbound, read_response, write_interim, write_response
from tests.support.strict.grammar import Liberty
from tests.support.strict.messages import Answer, Request
from tests.support.strict.streams import AnswerStream, RequestStream

_VISIBLE = frozenset({Liberty.VISIBLE_TARGET})
_QUICK = settings(max_examples=30)
_TOKEN_BYTES = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ONE_HOPS = (
    *(b"Keep-Alive", b"PROXY-connection", b"Proxy-Authenticate", b"proxy-Authorization"),
    *(b"TE", b"upgrade", b"HTTP2-Settings"),
)
_SPECIAL = (
    *(b"content-length", b"transfer-encoding", b"connection", b"host", b"forwarded", b"expect"),
    *(b"x-real-ip", b"x-client-ip", b"true-client-ip", b"x-cluster-client-ip", b"traceparent"),
    *(b"x-original-forwarded-for", b"x-original-host", b"x-original-url", b"x-rewrite-url"),
    *(b"proxy", *map(bytes.lower, _ONE_HOPS)),
)
_PREFIXES = (b"x-forwarded-", b"x-figueira-")
_OUR_OWN = {204: [b"content-length"], 426: [b"upgrade"]}
"""Fields that an answer of some status loses, or may have although it is for one connection."""


def _is_plain(name: bytes) -> bool:
    """Whether a field is nobody's business but the two ends'; no underscore twin either."""
    hyphened = name.lower().replace(b"_", b"-")
    return hyphened not in _SPECIAL and not hyphened.startswith(_PREFIXES)


_names = (
    st.lists(st.sampled_from(_TOKEN_BYTES), min_size=1, max_size=12).map(bytes).filter(_is_plain)
)
_values = st.from_regex(
    rb"([!-~\x80-\xff]([\t -~\x80-\xff]{0,12}[!-~\x80-\xff])?)?", fullmatch=True
)
_fields = st.lists(st.tuples(_names, _values), max_size=10)
_space = st.sampled_from([b"", b" ", b"\t", b" \t "])
_targets = st.lists(
    st.sampled_from([b"/", b"a", b"%2F", b"..", b";x=1", b"~", b"?", b"&b=%C3%A3", b"@:"]),
    max_size=8,
).map(lambda pieces: b"/" + b"".join(pieces))
_methods = st.sampled_from([b"GET", b"POST", b"DELETE", b"PROPFIND", b"M-SEARCH"])
_framings: st.SearchStrategy[list[Header]] = st.sampled_from(
    [
        [],
        [(b"Content-Length", b"0")],
        [(b"content-LENGTH", b"17")],
        [(b"Transfer-Encoding", b"chunked")],
    ]
)
_one_hops = st.lists(st.tuples(st.sampled_from(_ONE_HOPS), _values), max_size=3)


@st.composite
def _mixed(draw: st.DrawFn) -> tuple[list[Header], list[Header]]:
    """Fields in an order of chance, with what is for one connection only; and those that cross."""
    kept = [*draw(_fields), (b"hOst", b"shop.example:80"), *draw(_framings)]
    named = draw(st.lists(_names, max_size=2))
    dropped = [*draw(_one_hops), *((name.upper(), b"x") for name in named)]
    if named:
        dropped.append((b"Connection", b"close, " + b",".join(named)))
    marked = draw(st.permutations([*((f, True) for f in kept), *((f, False) for f in dropped)]))
    lower = {name.lower() for name in named}
    crossing = [f for f, is_kept in marked if is_kept and f[0].lower() not in lower]
    return [f for f, _ in marked], crossing


def _read(method: bytes, target: bytes, fields: list[Header]) -> Inbound:
    return read_request(method, target, "1.1", fields)


def _written_request(written: bytes) -> Request:
    stream = RequestStream()
    stream.feed(written)
    (request,) = stream.requests
    return request


def _plain(fields: list[Header]) -> list[Header]:
    return [(name, value.strip(b" \t")) for name, value in fields]


@given(_methods, _targets, _mixed(), _space)
@_QUICK
def test_a_requests_end_to_end_fields_cross_in_order_byte_for_byte(
    method: bytes, target: bytes, mixed: tuple[list[Header], list[Header]], space: bytes
) -> None:
    sent, crossing = mixed
    written = write_request(_read(method, target, [(n, v + space) for n, v in sent]))
    request = _written_request(written)
    assert (request.method, request.target, request.version) == (method, target, "1.1")
    assert request.fields == _plain(crossing)
    for name, value in crossing:
        assert b"\r\n%b: %b" % (name, value) in written


@given(_methods, _targets, _mixed())
@_QUICK
def test_what_was_written_is_written_alike_when_it_is_read_again(
    method: bytes, target: bytes, mixed: tuple[list[Header], list[Header]]
) -> None:
    """As by a second gateway: nothing is lost or added on the way, however long it is."""
    once = write_request(_read(method, target, mixed[0]))
    request = _written_request(once)
    again = write_request(_read(request.method, request.target, request.fields))
    assert again == once


@given(
    st.sampled_from([b"GET", b"HEAD", b"POST"]),
    st.integers(200, 599),
    st.from_regex(rb"[\t -~\x80-\xff]{0,20}", fullmatch=True),
    _mixed(),
    st.booleans(),
)
@_QUICK
def test_an_answers_end_to_end_fields_cross_in_order_byte_for_byte(
    method: bytes,
    status: int,
    reason: bytes,
    mixed: tuple[list[Header], list[Header]],
    keep_alive: bool,
) -> None:
    sent, crossing = mixed
    outbound = read_response(method, "1.1", status, reason, sent)
    written = write_response(outbound, to_http11=True, keep_alive=keep_alive)
    answer = _written_answer(written, method)
    assert (answer.status, answer.reason, answer.version) == (status, reason, "1.1")
    own = {b"connection", b"transfer-encoding", *_OUR_OWN.get(status, ())}
    expected = [(n, v) for n, v in _plain(crossing) if n.lower() not in own]
    assert [f for f in answer.fields if f[0].lower() not in own] == expected
    assert answer.is_last == (not keep_alive)


def _written_answer(written: bytes, method: bytes) -> Answer:
    asked = Request(version="1.1", method=method, target=b"/")
    stream = AnswerStream(lambda _: asked)
    stream.feed(written)
    (answer,) = stream.answers
    return answer


@given(
    st.sampled_from([b"GET", b"HEAD"]),
    st.sampled_from([200, 204, 304, 404]),
    _mixed(),
)
@_QUICK
def test_an_answer_that_was_written_is_written_alike_when_it_is_read_again(
    method: bytes, status: int, mixed: tuple[list[Header], list[Header]]
) -> None:
    once = _rewritten(method, status, b"OK", mixed[0])
    answer = _written_answer(once, method)
    assert _rewritten(method, status, answer.reason, answer.fields) == once


def _rewritten(method: bytes, status: int, reason: bytes, fields: list[Header]) -> bytes:
    outbound: Outbound = read_response(method, "1.1", status, reason, fields)
    return write_response(outbound, to_http11=True, keep_alive=True)


@given(st.sampled_from([100, 102, 103, 199]), _mixed())
@_QUICK
def test_an_interim_answer_crosses_without_what_is_for_one_connection(
    status: int, mixed: tuple[list[Header], list[Header]]
) -> None:
    sent, crossing = mixed
    stream = AnswerStream(lambda _: Request(version="1.1", method=b"GET", target=b"/"))
    stream.feed(write_interim(status, b"Hints", sent))
    (interim,) = stream.interim
    framing = {b"content-length", b"transfer-encoding"}
    kept = [f for f in _plain(crossing) if f[0].lower() not in framing]
    assert interim.fields == kept


_junk = st.lists(
    st.tuples(
        st.sampled_from(
            [b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"X", b"TE"]
        ),
        st.sampled_from(
            [b"shop", b"0", b"5", b"05", b"+5", b"5,5", b"", b"chunked", b"gzip, chunked"]
        )
        | st.from_regex(rb"[!-~]{0,6}", fullmatch=True),
    ),
    max_size=5,
)


@given(_methods, st.from_regex(rb"[!-~]{1,12}", fullmatch=True) | _targets, _junk)
@settings(max_examples=80)
def test_whatever_is_accepted_is_written_as_one_legal_request(
    method: bytes, target: bytes, fields: list[Header]
) -> None:
    """Or refused: nothing that is written can be read as anything else."""
    try:
        inbound = _read(method, target, fields)
    except BadRequest:
        return
    head = write_request(inbound)
    assert head.count(b"\r\n\r\n") == 1
    stream = RequestStream(_VISIBLE)
    stream.feed(head)
    (request,) = stream.requests
    framing = {"none": "none", "length": "length", "chunked": "chunked"}[inbound.body.value]
    assert (request.framing.value, request.length) == (framing, inbound.length)
