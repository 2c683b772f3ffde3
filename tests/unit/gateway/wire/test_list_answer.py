"""What the sides of a merged list are asked, and what becomes of their answers' heads."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gateway.wire.inbound import Body
from gateway.wire.list_answer import (
    ListPart,
    ListRequest,
    agreed_refusal,
    judge_conditions,
    read_list_request,
    write_list,
    write_refusal,
)
from gateway.wire.lists import NotAListError

_JSON = (b"Content-Type", b"application/json")


def _request(*fields: bytes, start: bytes = b"GET /images?a=1") -> ListRequest:
    return read_list_request(b"\r\n".join([start + b" HTTP/1.1", b"Host: shop", *fields, b"", b""]))


def _part(*lines: tuple[bytes, bytes], backend: str = "legacy", **changes: Any) -> ListPart:
    values: dict[str, Any] = {"status": 200, "reason": b"OK", "body": b"[]"} | changes
    return ListPart(backend=backend, lines=[_JSON, *lines], **values)


def _write(*parts: ListPart, request: ListRequest | None = None) -> tuple[int, list[Any], bytes]:
    outbound, body = write_list(request or _request(), parts, b"[1,2]\n")
    return outbound.status, outbound.lines, body


def test_the_sides_are_asked_for_the_plain_list_and_told_everything_else() -> None:
    request = _request(
        b'If-None-Match: "a"',
        b"if-modified-since: yesterday",
        b"Range: bytes=0-1",
        b'If-Range: "a"',
        b"Accept-Encoding: gzip, br",
        b"TE: trailers",
        b"Connection: TE, Upgrade",
        b"Upgrade: websocket",
        b"Accept: text/html",
        b"Cookie: a=b",
        b"cookie: c=d",
        b"X-Empty: ",
    )
    assert (request.method, request.target) == (b"GET", b"/images?a=1")
    assert request.lines == (
        (b"Host", b"shop"),
        (b"Accept", b"text/html"),
        (b"Cookie", b"a=b"),
        (b"cookie", b"c=d"),
        (b"X-Empty", b""),
        (b"Accept-Encoding", b"identity"),
    )
    assert (request.if_none_match, request.accept) == (b'"a"', b"text/html")
    assert not request.has_body


@pytest.mark.parametrize(
    ("field", "has_body"),
    [
        (b"Content-Length: 0", False),
        (b"Content-Length: 3", True),
        (b"Transfer-Encoding: chunked", True),
    ],
)
def test_a_body_is_noticed(field: bytes, has_body: bool) -> None:
    assert _request(field).has_body is has_body


@pytest.mark.parametrize(
    ("query", "allowed", "unlisted"),
    [
        pytest.param(b"?page=2", None, False, id="anything-goes"),
        pytest.param(b"", (), False, id="no-query"),
        pytest.param(b"?", (), False, id="an-empty-query"),
        pytest.param(b"?&", (), False, id="empty-pairs"),
        pytest.param(b"?page=2", (), True, id="none-allowed"),
        pytest.param(b"?status=a&status=b", ("status",), False, id="allowed"),
        pytest.param(b"?status=a&page=2", ("status",), True, id="one-of-them"),
        pytest.param(b"?st%61tus=a", ("status",), False, id="escaped"),
        pytest.param(b"?p%61ge", ("status",), True, id="escaped-and-not-allowed"),
        pytest.param(b"?caf%C3%A9+x=1", ("café x",), False, id="utf-8-and-plus"),
        pytest.param(b"?Status=a", ("status",), True, id="case"),
    ],
)
def test_only_query_keys_that_are_named_are_taken(
    query: bytes, allowed: tuple[str, ...] | None, unlisted: bool
) -> None:
    assert _request(start=b"GET /images" + query).unlisted(allowed) is unlisted


@pytest.mark.parametrize(
    ("part", "why"),
    [
        pytest.param(_part(status=404), "status 404", id="missing"),
        pytest.param(_part(status=204), "status 204", id="empty"),
        pytest.param(_part(status=206), "a range of a list", id="partial"),
        pytest.param(_part((b"Content-Range", b"items 0-9/99")), "a range of a list", id="range"),
        pytest.param(_part((b"Link", b'</images?page=2>; rel="next"')), "a page", id="next"),
        pytest.param(_part((b"link", b"<x>; rel=prev, <y>; rel=up")), "a page", id="prev"),
        pytest.param(_part((b"Link", b'<x>;REL = "first next"')), "a page", id="several-relations"),
        pytest.param(_part((b"Content-Encoding", b"gzip")), "a list in a coding", id="coding"),
    ],
)
def test_what_is_no_whole_list_by_its_head_is_refused(part: ListPart, why: str) -> None:
    with pytest.raises(NotAListError, match=f"legacy: {why}"):
        part.check()


@pytest.mark.parametrize(
    "line",
    [
        (b"Link", b'</style.css>; rel="preload"; title="next"'),
        (b"Link", b"</next>; rel=first"),
        (b"Content-Encoding", b"Identity"),
    ],
)
def test_what_only_looks_like_a_part_is_taken(line: tuple[bytes, bytes]) -> None:
    _part(line).check()


@pytest.mark.parametrize("piece", [b"rel=", b"rel= ", b"rel=a ", b'rel="', b"rel ", b"rel=ne"])
def test_a_link_as_long_as_a_head_may_be_is_read_at_once(piece: bytes) -> None:
    """All customers of a worker wait meanwhile."""
    part = _part((b"Link", piece * (64 * 1024 // len(piece))))
    began_s = time.process_time()
    part.check()
    assert time.process_time() - began_s < 0.5


def test_sides_that_refuse_alike_are_believed() -> None:
    first = _part((b"WWW-Authenticate", b"Basic"), status=401, reason=b"No", body=b"no")
    assert agreed_refusal([first, _part(status=401)]) is first
    for statuses in ((401, 403), (200, 401), (401, 200), (200, 200), (206, 206)):
        assert agreed_refusal([_part(status=status) for status in statuses]) is None
    outbound, body = write_refusal(_request(), first)
    assert (outbound.status, outbound.reason, body) == (401, b"No", b"no")
    assert outbound.lines == [*first.lines, (b"Content-Length", b"2")]


def test_the_fields_are_the_first_sides_but_for_those_of_its_part_alone() -> None:
    first = _part(
        (b"Date", b"now"),
        (b"content-length", b"99"),
        (b"Last-Modified", b"then"),
        (b"Accept-Ranges", b"bytes"),
        (b"Age", b"3"),
        (b"Content-MD5", b"x"),
        (b"Vary", b"Accept"),
        (b"Set-Cookie", b"a=1"),
        (b"X-Own", b"1"),
    )
    second = _part(
        (b"X-Own", b"2"),
        (b"ETag", b'"new"'),
        (b"Vary", b"Accept"),
        (b"Vary", b"Cookie"),
        (b"Set-Cookie", b"b=2"),
        backend="image_service",
    )
    status, lines, body = _write(first, second)
    assert (status, body) == (200, b"[1,2]\n")
    assert lines == [
        _JSON,
        (b"Date", b"now"),
        (b"content-length", b"6"),
        (b"Vary", b"Accept"),
        (b"Set-Cookie", b"a=1"),
        (b"X-Own", b"1"),
        (b"Vary", b"Cookie"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param([], [], [], id="neither"),
        pytest.param([b"max-age=5"], [b"max-age=5"], [b"max-age=5"], id="both-alike"),
        pytest.param([b"max-age=5"], [], [b"no-store"], id="one-alone"),
        pytest.param([], [b"private, no-cache"], [b"no-store"], id="the-other-alone"),
        pytest.param([b"max-age=5"], [b"max-age=6"], [b"no-store"], id="otherwise"),
    ],
)
def test_sides_that_disagree_on_caching_are_not_cached(
    first: list[bytes], second: list[bytes], expected: list[bytes]
) -> None:
    parts = [_part(*((b"Cache-Control", value) for value in values)) for values in (first, second)]
    assert [v for n, v in _write(*parts)[1] if n == b"Cache-Control"] == expected


def test_head_is_told_the_length_and_sent_nothing() -> None:
    outbound, body = write_list(_request(start=b"HEAD /images"), [_part()], b"[1,2]\n")
    assert (outbound.body, body) == (Body.NONE, b"")
    assert outbound.lines == [_JSON, (b"Content-Length", b"6")]


_TAGGED = _part((b"ETag", b'"old"'))


def test_a_list_has_a_validator_of_its_own_if_the_first_side_has_one() -> None:
    """Equal lists have equal validators, other lists others; none is a side's."""
    (etag,) = (v for n, v in _write(_TAGGED)[1] if n == b"ETag")
    assert etag.startswith(b'"')
    assert etag != b'"old"'
    assert etag in [v for _, v in _write(_TAGGED, _part())[1]]
    outbound, _ = write_list(_request(), [_TAGGED], b"[1]\n")
    assert etag not in [v for _, v in outbound.lines]
    assert _write(_part(), _TAGGED)[1] == [_JSON, (b"Content-Length", b"6")]


def test_conditions_are_judged_by_the_lists_own_validator() -> None:
    (etag,) = (v for n, v in _write(_TAGGED)[1] if n == b"ETag")
    known = _request(b"If-None-Match: W/" + etag)
    assert _write(_TAGGED, request=known) == (304, [(b"ETag", etag)], b"")
    side = _request(b'If-None-Match: "old"')
    assert _write(_TAGGED, request=side)[0] == 200
    changed = _request(b'If-Match: "old"')
    assert _write(_TAGGED, request=changed) == (
        412,
        [(b"Content-Length", b"0"), (b"ETag", etag)],
        b"",
    )


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([], 200),
        ([b'If-None-Match: "a"'], 304),
        ([b'If-None-Match: "b", W/"a"'], 304),
        ([b"If-None-Match: *"], 304),
        ([b'If-None-Match: "A"'], 200),
        ([b"If-None-Match: a"], 200),
        ([b'If-Match: "a"'], 200),
        ([b'If-Match: W/"a"'], 412),
        ([b"If-Match: *"], 200),
        ([b'If-Match: "b"', b'If-None-Match: "a"'], 412),
    ],
    ids=str,
)
def test_conditions_are_judged_as_rfc_9110_has_it(fields: list[bytes], status: int) -> None:
    assert judge_conditions(_request(*fields), b'"a"') == status
