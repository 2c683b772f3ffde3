"""Tricks with all else in a head: request line, target, host, names, what Connection says."""

from __future__ import annotations

from tests.conformance.doors.tricks import (
    HOST,
    OPENLY,
    POST,
    SMUGGLED,
    Trick,
    get,
    passed,
    post,
    refused,
    shown,
)

_GET = b"GET /open HTTP/1.1\r\n"
_OTHER = SMUGGLED
"""Behind each trick, so that whatever ends a head too early or too late is seen."""
_JUNK = (b"\r", b"\n", b"\r\r\n", b"\n\r\n", b"\r\n\n")
CONTROLS = b"\x01\x07\x08\x0e\x1b\x1f\x7f"
"""Control characters that end no line and no text anywhere."""


def _starts_all_the_same(line: bytes) -> Trick:
    """Read leniently (RFC 9112, section 3), and written as it ought to be."""
    sent = line + b"\r\n" + HOST + b"\r\n" + _OTHER
    return passed(f"start-{shown(line)}", sent, get(), OPENLY)


def _starts(line: bytes, status: int) -> Trick:
    return refused(f"start-{shown(line)}", line + b"\r\n" + HOST + b"\r\n" + _OTHER, status)


STARTS = [
    *map(
        _starts_all_the_same,
        [b"GET  /open HTTP/1.1", b"GET /open  HTTP/1.1", b"GET   /open    HTTP/1.1"],
    ),
    *(
        _starts(line, 400)
        for line in [
            b"GET\x0b/open HTTP/1.1",
            b"GET\x0c/open HTTP/1.1",
            b"GET\xa0/open HTTP/1.1",
            b"GET\t/open HTTP/1.1",
            b"GET\r/open HTTP/1.1",
            b"GET /open\tHTTP/1.1",
            b"GET /open\x0bHTTP/1.1",
            b"GET /open\x00 HTTP/1.1",
            b"GET /op\x00en HTTP/1.1",
            b"GET /open\xc2\xa0HTTP/1.1",
            b"GET /open\xe2\x80\x83HTTP/1.1",
            b"GET /open /smuggled HTTP/1.1",
            b"GET /open HTTP/1.1 HTTP/1.1",
            b"GET /open HTTP/1.1 ",
            b"GET /open HTTP/1.1\t",
            b"GET /open HTTP/1.1\x0b",
            b"GET /open HTTP/1.1\x00",
            b"GET /open HTTP/1.1\r",
            b"GET /open HTTP/1.1x",
            b"GET /open HTTP/1.11",
            b"GET /open HTTP/01.1",
            b"GET /open HTTP/1.1.1",
            b"GET /open HTTP/1,1",
            b"GET /open HTTP/+1.1",
            b"GET /open HTTP/ 1.1",
            b"GET /open HTTP /1.1",
            b"GET /open HTTP\\1.1",
            b"GET /open HTTP/1.",
            b"GET /open HTTP/.1",
            b"GET /open HTTP/1",
            b"GET /open HTTP/",
            b"GET /open http/1.1",
            b"GET /open Http/1.1",
            b"GET /open HTTPS/1.1",
            b"GET /open RTSP/1.0",
            b"GET /open ICE/1.0",
            b"GET /open XTTP/1.1",
            b"GET HTTP/1.1",
            b"GET  HTTP/1.1",
            b"GET",
            b"GET ",
            b"SOURCE /open ICE/1.0",
            b"DESCRIBE /open RTSP/1.0",
            b"GETX /open HTTP/1.1",
            b"GET,POST /open HTTP/1.1",
            b"DESCRIBE /open HTTP/1.1",
        ]
    ),
    *(
        _starts(line, 501)
        for line in [
            b"get /open HTTP/1.1",
            b"Get /open HTTP/1.1",
            b"XGET /open HTTP/1.1",
            b"GPOST /open HTTP/1.1",
            b"G\x00ET /open HTTP/1.1",
            b'"GET" /open HTTP/1.1',
            b" GET /open HTTP/1.1",
            b"\tGET /open HTTP/1.1",
            b"\x00GET /open HTTP/1.1",
            b"\xef\xbb\xbfGET /open HTTP/1.1",
            b"0\r\n\r\nGET /open HTTP/1.1",
            b"HTTP/1.1 200 OK",
            b"HTTP/1.1 GET /open",
            b"CONNECT shop:443 HTTP/1.1",
            b"TRACE /open HTTP/1.1",
        ]
    ),
    *(
        _starts(line, 505)
        for line in [
            b"GET /open HTTP/0.9",
            b"GET /open HTTP/1.2",
            b"GET /open HTTP/2.0",
            b"GET /open HTTP/9.9",
            b"GET /open HTTP/0.0",
            b"GET /open",
        ]
    ),
    refused("start-pri-and-its-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _OTHER),
    refused("start-with-a-bare-line-feed", b"GET /open HTTP/1.1\n" + HOST + b"\r\n" + _OTHER),
    *(
        refused(f"start-behind-{shown(junk)}", junk + _GET + HOST + b"\r\n" + _OTHER)
        for junk in _JUNK
    ),
    passed("start-behind-empty-lines", b"\r\n\r\n" + _GET + HOST + b"\r\n" + _OTHER, get(), OPENLY),
    Trick("start-of-junk-behind-a-whole-request", _GET + HOST + b"\r\n" + b"junk", (get(),), 501),
]


def _target(target: bytes) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n" + _OTHER


TARGETS = [
    *(
        refused(f"target-{shown(target)}", _target(target))
        for target in [
            b"open",
            b"?open",
            b"*",
            b"%2fopen",
            b"\\open",
            b"shop",
            b"shop:80",
            b"/open#x",
            b"/open\x7f",
            b"/open\x01",
            b"/\xe2\x80\xaeopen",
            b"http:/shop/open",
            b"http:shop/open",
            b"http://",
            b"http:///open",
            b"http://user@shop/open",
            b"http://shop:80:80/open",
            b"http://shop:x/open",
            b"http://[::1/open",
            b"http://shop\\@evil/open",
            b"http://shop#@evil/open",
            b"http://shop%00evil/open".replace(b"%00", b"\x00"),
            b"http://shop,evil/open",
            b"http://shop evil/open",
            b"htt://shop/open",
            b"ftp://shop/open",
            b"file:///etc/passwd",
            b"javascript:alert(1)",
            b"ws://shop/open",
        ]
    ),
    passed("target-in-absolute-form", _target(b"http://shop/open"), get(), OPENLY),
    passed("target-in-absolute-form-and-capitals", _target(b"HTTP://shop/open"), get(), OPENLY),
    passed("target-in-absolute-form-with-tls", _target(b"https://shop/open"), get(), OPENLY),
    passed("target-in-absolute-form-of-another", _target(b"http://evil:81/open"), get(), OPENLY),
    passed("target-in-absolute-form-alone", _target(b"http://shop"), get(b"/"), OPENLY),
    passed("target-in-absolute-form-and-a-query", _target(b"http://shop?a"), get(b"/?a"), OPENLY),
    passed("target-with-a-url-in-it", _target(b"/http://evil/"), get(b"/http://evil/"), OPENLY),
    passed(
        "target-with-an-escaped-line-end",
        _target(b"/open?a=%0d%0aHost:%20evil"),
        get(b"/open?a=%0d%0aHost:%20evil"),
        OPENLY,
    ),
    passed("target-with-a-version-in-it", _target(b"/HTTP/1.1"), get(b"/HTTP/1.1"), OPENLY),
]


def _host(name: str, fields: bytes) -> Trick:
    return refused(f"host-{name}", _GET + fields + b"\r\n" + _OTHER)


HOSTS = [
    _host("none", b""),
    _host("twice", HOST + HOST),
    _host("twice-in-different-case", HOST + b"HOST: evil\r\n"),
    _host("twice-with-others-between", HOST + b"X: y\r\nhost: evil\r\n"),
    _host("and-one-with-a-space", HOST + b"Host : evil\r\n"),
    _host("and-one-behind-a-space", HOST + b" Host: evil\r\n"),
    _host("and-one-behind-a-tab", HOST + b"\tHost: evil\r\n"),
    _host("behind-a-space", b" Host: shop\r\n"),
    _host("on-a-folded-line", b"Host:\r\n shop\r\n"),
    _host("list", b"Host: shop, evil\r\n"),
    _host("with-a-space-in-it", b"Host: shop evil\r\n"),
    _host("with-a-tab-in-it", b"Host: shop\tevil\r\n"),
    _host("with-a-null-byte", b"Host: shop\x00.evil\r\n"),
    _host("with-a-vertical-tab", b"Host: shop\x0b\r\n"),
    _host("with-a-no-break-space", b"Host: shop\xc2\xa0\r\n"),
    _host("with-a-bare-carriage-return", b"Host: shop\revil\r\n"),
    _host("with-a-path", b"Host: shop/evil\r\n"),
    _host("with-a-query", b"Host: shop?evil\r\n"),
    _host("with-a-fragment", b"Host: shop#evil\r\n"),
    _host("with-a-backslash", b"Host: shop\\evil\r\n"),
    _host("with-userinfo", b"Host: shop@evil\r\n"),
    _host("with-a-scheme", b"Host: http://shop\r\n"),
    _host("with-a-port-that-is-none", b"Host: shop:80x\r\n"),
    _host("with-a-port-too-long", b"Host: shop:000080\r\n"),
    _host("with-two-ports", b"Host: shop:80:81\r\n"),
    _host("with-an-open-bracket", b"Host: [::1\r\n"),
    _host("with-junk-behind-a-bracket", b"Host: [::1]x\r\n"),
    _host("with-a-broken-escape", b"Host: shop%0\r\n"),
    _host("in-quotes", b'Host: "shop"\r\n'),
    _host("in-other-letters", b"Host: sh\xc3\xb6p\r\n"),
    _host("with-an-underscore-in-its-name", b"Ho_st: shop\r\n"),
    passed("host-behind-a-tab", _GET + b"Host:\tshop\r\n\r\n" + _OTHER, get(), OPENLY),
    passed("host-without-a-space", _GET + b"Host:shop\r\n\r\n" + _OTHER, get(), OPENLY),
    passed("host-that-connection-would-strip", _GET + HOST + b"Connection: Host\r\n\r\n", get()),
]


def _field(field: bytes, *, is_legal: bool = False) -> Trick:
    name = f"field-{shown(field)}"
    sent = _GET + HOST + field + b"\r\n\r\n" + _OTHER
    return passed(name, sent, get(), OPENLY) if is_legal else refused(name, sent)


FIELDS = [
    *(_field(b"X%c: y" % value) for value in b'(),/:;<=>?@[\\]{}"\x7f' if value != ord(":")),
    *(_field(b"X: y%cz" % value) for value in CONTROLS),
    *(_field(b"X: y%cz" % value) for value in b"\x00\n\x0b\x0c\r"),
    *(
        _field(field)
        for field in [
            b"X",
            b"X y",
            b": y",
            b" : y",
            b":",
            b"=",
            b"X : y",
            b"X\t: y",
            b"X\x00: y",
            b"X\xc2\xa0: y",
            b"\xc2\xa0X: y",
            b"X Y: z",
            b"X: y\r\n z",
            b"X: y\r\n\tz",
            b"X:\r\n y",
            b"X: y\r\n ",
            b"X: y\r\r\n",
            b"X: y\n",
            b"X: y\r\n\n",
            b"\r",
            b"\nX: y",
            b"X: y\n\rZ: z",
            b"GET /smuggled HTTP/1.1",
            b"GET /smuggled HTTP/1.1\r\nHost: evil",
        ]
    ),
    *(
        _field(field, is_legal=True)
        for field in [
            b"!#$%&'*+-.^`|~0: y",
            b"X:",
            b"X:y",
            b"X: \t y \t ",
            b"X: a:b:c",
            b"X: \xff\xfe\x80",
            b"X: GET /smuggled HTTP/1.1",
            b'X: "y\\r\\n"',
            b"Content-Type: multipart/byteranges; boundary=x",
        ]
    ),
]
CONNECTIONS = [
    Trick(
        "connection-closes-and-more-follows",
        _GET + HOST + b"Connection: close\r\n\r\n" + _OTHER,
        (get(),),
        refused=0,
    ),
    Trick("http-1-0-and-more-follows", b"GET /open HTTP/1.0\r\n\r\n" + _OTHER, (get(),), refused=0),
    passed(
        "http-1-0-that-stays-and-more-follows",
        b"GET /open HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + _OTHER,
        get(),
        OPENLY,
    ),
    passed(
        "connection-names-everything",
        POST
        + b"Connection: keep-alive, Host, Content-Length, Via, X-Forwarded-For, traceparent\r\n"
        + b"Content-Length: 2\r\n\r\nhi"
        + _OTHER,
        post(b"hi"),
        OPENLY,
    ),
    passed(
        "connection-of-junk",
        _GET + HOST + b"Connection: ,,;=, \t,\xff\r\n\r\n" + _OTHER,
        get(),
        OPENLY,
    ),
    passed(
        "an-offer-and-more-follows",
        _GET + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + _OTHER,
        get(),
        OPENLY,
    ),
    passed(
        "an-offer-that-connection-does-not-name",
        _GET + HOST + b"Upgrade: websocket\r\n\r\n" + _OTHER,
        get(),
        OPENLY,
    ),
]
UNNOTICED = {
    **{
        f"start-{shown(line)}": "the parser speaks RTSP and ICE as well and does not tell"
        for line in (b"GET /open RTSP/1.0", b"SOURCE /open ICE/1.0", b"DESCRIBE /open RTSP/1.0")
    },
    **{
        f"start-behind-{shown(junk)}": "the parser skips any line ends before a request"
        for junk in _JUNK
    },
}
"""Tricks that are not noticed, and why. What reaches the backend of them is well-formed."""
TRICKS_OF_HEADS = [*STARTS, *TARGETS, *HOSTS, *FIELDS, *CONNECTIONS]
