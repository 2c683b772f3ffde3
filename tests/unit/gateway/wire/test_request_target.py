"""Host and target: one meaning each, or a refusal (RFC 9112, section 3.2)."""

from __future__ import annotations

import pytest

from gateway.wire.fields import PLAIN, Names
from gateway.wire.inbound import BadRequest, Inbound
from gateway.wire.messages import Header
from gateway.wire.request import read_request, write_request

_HOST = (b"Host", b"shop.example")


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
    "host",
    [
        b"shop.example",
        b"SHOP.example.",
        b"shop.example:8000",
        b"shop.example:",
        b"127.0.0.1:80",
        b"[::1]",
        b"[2001:db8::1]:443",
        b"[::ffff:127.0.0.1]",
        b"under_score.example",
        b"sh%C3%B6p.example",
        b"localhost",
    ],
    ids=bytes.decode,
)
def test_a_well_formed_host_is_passed_on_as_it_came(host: bytes) -> None:
    inbound = read_request(b"GET", b"/", "1.1", [(b"hOST", host)])
    assert inbound.lines == [(b"hOST", host)]
    assert inbound.host == host


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"shop.example:80-junk", id="junk-behind-the-port"),
        pytest.param(b"shop.example:80:80", id="two-ports"),
        pytest.param(b"shop.example:123456", id="six-digits-of-port"),
        pytest.param(b"shop.example:+80", id="signed-port"),
        pytest.param(b":80", id="port-alone"),
        pytest.param(b"[::1", id="unclosed-bracket"),
        pytest.param(b"::1", id="bare-ipv6"),
        pytest.param(b"[::1]x", id="junk-behind-the-bracket"),
        pytest.param(b"[fe80::1%25eth0]", id="scoped-ipv6"),
        pytest.param(b"[shop.example]", id="name-in-brackets"),
        pytest.param(b"a.example, b.example", id="list"),
        pytest.param(b"a.example,b.example", id="list-without-space"),
        pytest.param(b"user@shop.example", id="userinfo"),
        pytest.param(b"user:password@shop.example", id="userinfo-with-password"),
        pytest.param(b"shop example", id="space"),
        pytest.param(b"shop.example\t80", id="tab"),
        pytest.param(b"shop.example\x00", id="nul"),
        pytest.param(b"shop.example\n", id="newline"),
        pytest.param(b"shop.example/path", id="path"),
        pytest.param(b"shop.example?x", id="query"),
        pytest.param(b"shop.example#x", id="fragment"),
        pytest.param(b"http://shop.example", id="url"),
        pytest.param(b"shop%zz.example", id="broken-escape"),
        pytest.param(b"sh\xc3\xb6p.example", id="not-ascii"),
        pytest.param(b"shop\\example", id="backslash"),
    ],
)
def test_a_malformed_host_is_refused(host: bytes) -> None:
    assert _refusal((b"Host", host)).status == 400


def test_http_1_1_without_host_is_refused() -> None:
    assert _refusal((b"Accept", b"*/*")).status == 400


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_two_hosts_are_refused_even_if_they_agree(version: str) -> None:
    assert _refusal(_HOST, (b"host", _HOST[1]), version=version).status == 400


def test_an_underscore_twin_is_no_second_host() -> None:
    assert _read((b"X_Forwarded_Host", b"evil.example")).lines == [_HOST]


def test_http_1_0_without_host_is_written_with_the_backends_own() -> None:
    inbound = read_request(b"GET", b"/", "1.0", [(b"Accept", b"*/*")])
    assert inbound.host is None
    written = write_request(inbound, authority=b"127.0.0.1:8001")
    assert written == b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8001\r\nAccept: */*\r\n\r\n"


def test_without_any_name_the_host_is_empty_not_missing() -> None:
    written = write_request(read_request(b"GET", b"/", "1.0", []))
    assert written == b"GET / HTTP/1.1\r\nHost: \r\n\r\n"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        pytest.param(b"/", b"/", b"", id="root"),
        pytest.param(b"/a/b?c=d&e", b"/a/b", b"c=d&e", id="path-and-query"),
        pytest.param(b"/a?", b"/a", b"", id="empty-query"),
        pytest.param(b"/a?b?c", b"/a", b"b?c", id="question-mark-in-query"),
        pytest.param(b"/%2F%26%c3%BC", b"/%2F%26%c3%BC", b"", id="escapes-kept"),
        pytest.param(b"/../a//b/.", b"/../a//b/.", b"", id="dots-and-slashes-kept"),
        pytest.param(b"//127.0.0.1:1/x", b"//127.0.0.1:1/x", b"", id="two-slashes-are-a-path"),
    ],
)
def test_origin_form_is_kept_as_received(target: bytes, path: bytes, query: bytes) -> None:
    inbound = _read(target=target)
    assert (target, path, query) == (inbound.target, inbound.path, inbound.query)
    assert write_request(inbound).startswith(b"GET " + target + b" HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("method", "absolute", "target", "host"),
    [
        (b"GET", b"http://a.example/x?y", b"/x?y", b"a.example"),
        (b"GET", b"HTTP://a.example:81/x", b"/x", b"a.example:81"),
        (b"GET", b"https://[::1]:8000/", b"/", b"[::1]:8000"),
        (b"GET", b"http://a.example", b"/", b"a.example"),
        (b"GET", b"http://a.example?x=1", b"/?x=1", b"a.example"),
        (b"GET", b"http://a.example//x", b"//x", b"a.example"),
        (b"OPTIONS", b"http://a.example", b"*", b"a.example"),
        (b"OPTIONS", b"http://a.example/", b"/", b"a.example"),
        (b"OPTIONS", b"http://a.example?x", b"/?x", b"a.example"),
    ],
    ids=lambda value: value.decode(),
)
def test_absolute_form_becomes_origin_form_and_its_host_replaces_host(
    method: bytes, absolute: bytes, target: bytes, host: bytes
) -> None:
    fields = [(b"A", b"1"), (b"HOST", b"other.example"), (b"B", b"2")]
    inbound = read_request(method, absolute, "1.1", fields, Names({b"host"}))
    assert target == inbound.target
    assert inbound.lines == [(b"A", b"1"), (b"HOST", host), (b"B", b"2")]
    assert inbound.host == inbound.named[b"host"] == host


def test_absolute_form_in_http_1_0_brings_the_host_that_was_missing() -> None:
    inbound = read_request(b"GET", b"http://a.example/x", "1.0", [(b"A", b"1")])
    assert write_request(inbound) == b"GET /x HTTP/1.1\r\nHost: a.example\r\nA: 1\r\n\r\n"


def test_absolute_form_does_not_excuse_a_missing_or_malformed_host() -> None:
    assert _refusal(target=b"http://a.example/").status == 400
    assert _refusal((b"Host", b"a b"), target=b"http://a.example/").status == 400


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"images", id="no-slash"),
        pytest.param(b"?x=1", id="query-alone"),
        pytest.param(b"*", id="asterisk-but-not-options"),
        pytest.param(b"shop.example:80", id="authority-form"),
        pytest.param(b"ftp://shop.example/", id="other-scheme"),
        pytest.param(b"http:///x", id="no-host"),
        pytest.param(b"http:/x", id="one-slash"),
        pytest.param(b"http://user@shop.example/", id="userinfo"),
        pytest.param(b"http://a.example,b.example/", id="two-hosts"),
        pytest.param(b"http://a.example\\@b.example/", id="backslash-in-the-host"),
        pytest.param(b"http://shop.example/#x", id="fragment-absolute"),
        pytest.param(b"/a#b", id="fragment"),
        pytest.param(b"/a?b#c", id="fragment-behind-the-query"),
        pytest.param(b"/a b", id="space"),
        pytest.param(b"/a\r\nX: y", id="line-break"),
        pytest.param(b"/a?\x00", id="nul-in-the-query"),
        pytest.param(b"/\x7f", id="delete"),
    ],
)
def test_any_other_target_is_refused(target: bytes) -> None:
    assert _refusal(_HOST, target=target).status == 400


def test_options_asterisk_is_passed() -> None:
    inbound = _read(method=b"OPTIONS", target=b"*")
    assert (inbound.target, inbound.path) == (b"*", b"*")


def test_options_asterisk_takes_no_query() -> None:
    assert _refusal(_HOST, method=b"OPTIONS", target=b"*?x").status == 400
