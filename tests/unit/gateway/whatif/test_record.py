"""Lines of logs, ours and others', whole and broken."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.access_line import Hidden, Noted
from gateway.whatif.record import CombinedRecord, Record, Unread, read_line

_OURS = (
    b'{"time":"2026-11-23T03:00:00.000Z","method":"POST","path":"/images","status":200,'
    b'"duration_ms":1.5,"client":"192.0.2.1","route":"images","backend":"legacy",'
    b'"reason":"sticky","bucket":7,"revision":3,'
    b'"sticky":{"header:x":{"bucket":7,"token":"t"},"client_ip":null},'
    b'"headers":{"x-beta":"on","x-plan":{"token":"u"}},"query":{"v":null}}'
)


def test_our_own_line_tells_all_that_it_notes() -> None:
    record = read_line(_OURS)
    assert record == Record(
        "POST",
        "/images",
        200,
        "2026-11-23T03:00:00.000Z",
        "192.0.2.1",
        "images",
        "legacy",
        "sticky",
        7,
        {"header:x": Noted(7, "t"), "client_ip": None},
        {"x-beta": "on", "x-plan": Hidden("u")},
        {"v": None},
    )


@pytest.mark.parametrize(
    ("line", "method", "path", "query", "headers"),
    [
        pytest.param(
            b'192.0.2.1 - ana [23/Nov/2026:03:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 12 '
            b'"http://shop.test/" "Mozilla/5.0 (X11)"',
            "GET",
            "/a",
            b"b=c",
            {"referer": "http://shop.test/", "user-agent": "Mozilla/5.0 (X11)"},
            id="combined",
        ),
        pytest.param(
            b'192.0.2.1 - - [23/Nov/2026:03:00:00 +0000] "GET / HTTP/1.0" 304 -',
            "GET",
            "/",
            b"",
            {},
            id="common",
        ),
        pytest.param(
            b'shop.test:443 192.0.2.1 - - [23/Nov/2026:03:00:00 +0000] "GET / HTTP/2.0" 200 1 '
            b'"-" "-" 0.004 extra=1',
            "GET",
            "/",
            b"",
            {"referer": None, "user-agent": None, "host": "shop.test"},
            id="with a virtual host before it, and more behind it",
        ),
        pytest.param(
            rb'192.0.2.1 - - [t] "GET /\x22\xC3\xA9 HTTP/1.1" 200 1 "-" "a \"quoted\" word"',
            "GET",
            '/"\xc3\xa9',
            b"",
            {"referer": None, "user-agent": 'a "quoted" word'},
            id="escapes of nginx and of Apache",
        ),
        pytest.param(
            b'192.0.2.1 - - [t] "GET http://shop.test/a?b HTTP/1.1" 200 1 "-" "x"',
            "GET",
            "/a",
            b"b",
            {"referer": None, "user-agent": "x"},
            id="an absolute target",
        ),
    ],
)
def test_another_servers_line_is_read(
    line: bytes, method: str, path: str, query: bytes, headers: dict[str, str | None]
) -> None:
    record = read_line(line)
    assert isinstance(record, CombinedRecord)
    assert (record.method, record.path, record.raw_query) == (method, path, query)
    assert record.headers == headers
    assert record.client == "192.0.2.1"


def test_a_request_that_no_server_could_read_has_no_path() -> None:
    record = read_line(rb'192.0.2.1 - - [t] "\x16\x03\x01" 400 0 "-" "-"')
    assert isinstance(record, CombinedRecord)
    assert record.path == ""


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param(b"", Unread.EMPTY, id="empty"),
        pytest.param(b"  \r", Unread.EMPTY, id="blank"),
        pytest.param(_OURS[:100], Unread.TORN, id="the end of ours is missing"),
        pytest.param(_OURS[100:], Unread.TORN, id="the beginning of ours is missing"),
        pytest.param(
            b'192.0.2.1 - - [23/Nov/2026:03:00:00 +0000] "GET /a?b=c HT', Unread.TORN, id="cut"
        ),
        pytest.param(b'{"level":"info","msg":"hello"}', Unread.FOREIGN, id="another's JSON"),
        pytest.param(b"{]", Unread.FOREIGN, id="no JSON"),
        pytest.param(b"INFO:     Uvicorn running", Unread.FOREIGN, id="prose"),
        pytest.param(b"\x00\x01\xff" * 20, Unread.FOREIGN, id="binary"),
    ],
)
def test_what_is_no_record_is_said_to_be_torn_or_foreign(line: bytes, why: Unread) -> None:
    assert read_line(line) is why


@pytest.mark.parametrize(
    "line",
    [
        b'{"time":"x","method":"GET","path":"/","status":200,"x":' + b"[" * 100_000,
        b'{"time":"x","sticky":' + b'{"a":' * 100_000,
    ],
)
def test_a_line_nested_too_deep_is_no_record(line: bytes) -> None:
    assert read_line(line) is Unread.TORN


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        pytest.param(b"http://shop.test/a?b", "/a", b"b", id="of the request"),
        pytest.param(b"/thumbs/http://shop.test/a", "/thumbs/http://shop.test/a", b"", id="path"),
        pytest.param(b"/go?to=http://x/images", "/go", b"to=http://x/images", id="query"),
    ],
)
def test_a_url_further_behind_is_part_of_the_target(target: bytes, path: str, query: bytes) -> None:
    record = read_line(b'192.0.2.1 - - [x] "GET %b HTTP/1.1" 200 1' % target)
    assert isinstance(record, CombinedRecord)
    assert (record.path, record.raw_query) == (path, query)


def test_a_target_as_long_as_a_line_is_read_at_once() -> None:
    began_s = time.process_time()
    record = read_line(b'192.0.2.1 - - [x] "GET %b HTTP/1.1" 414 1' % (b"a" * (1 << 20)))
    assert isinstance(record, Record)
    assert time.process_time() - began_s < 0.5


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_none(line: bytes) -> None:
    read_line(line)


_KEYS = st.sampled_from(["method", "path", "status", "sticky", "query", "bucket", "x"])
_VALUES: st.SearchStrategy[object] = st.sampled_from(
    ["GET", "/", 200, -1, None, [], {}, {"a": None}, {"a": {"token": 1}}]
)


@given(st.dictionaries(_KEYS, _VALUES))
def test_any_json_is_a_record_or_none(content: dict[str, object]) -> None:
    read_line(json.dumps(content).encode())
