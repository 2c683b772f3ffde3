"""Requests that two parsers could read in two ways, or that nobody should be sent.

The classes of trick are those that smuggling tools and parser-difference studies list: two
lengths, disguised codings, broken chunks, stray line ends, folded lines, odd hosts and targets,
paths that readers disagree on, and heads without measure.
"""

from __future__ import annotations

from dataclasses import dataclass

_HOST = b"Host: shop\r\n"
_SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n"
_CHUNKED = b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Payload:
    """Bytes that are refused; `status` is what the customer gets."""

    id: str
    sent: bytes
    status: int = 400


def _fields(name: str, fields: bytes, *, body: bytes = b"", status: int = 400) -> Payload:
    return Payload(name, b"POST / HTTP/1.1\r\n" + _HOST + fields + b"\r\n" + body, status)


def _host(name: str, hosts: bytes) -> Payload:
    return Payload("host-" + name, b"GET / HTTP/1.1\r\n" + hosts + b"\r\n")


def _chunks(name: str, body: bytes) -> Payload:
    return Payload("chunks-" + name, _CHUNKED + body)


def _target(name: str, target: bytes, status: int = 400) -> Payload:
    sent = b"GET " + target + b" HTTP/1.1\r\n" + _HOST + b"\r\n"
    return Payload("target-" + name, sent, status)


LENGTHS = [
    _fields(
        "length-and-chunked",
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        body=b"5c\r\n" + _SMUGGLED + b"0\r\n\r\n",
    ),
    _fields(
        "chunked-and-length",
        b"Transfer-Encoding: chunked\r\nContent-Length: 44\r\n",
        body=b"0\r\n\r\n" + _SMUGGLED,
    ),
    _fields("two-lengths", b"Content-Length: 0\r\nContent-Length: 39\r\n", body=_SMUGGLED),
    _fields("the-same-length-twice", b"Content-Length: 2\r\nContent-Length: 2\r\n", body=b"hi"),
    _fields("list-of-lengths", b"Content-Length: 0, 39\r\n", body=_SMUGGLED),
    _fields("negative-length", b"Content-Length: -1\r\n"),
    _fields("signed-length", b"Content-Length: +2\r\n", body=b"hi"),
    _fields("hexadecimal-length", b"Content-Length: 0x2\r\n", body=b"hi"),
    _fields("length-with-a-space-inside", b"Content-Length: 1 0\r\n", body=b"0123456789"),
    _fields("length-with-junk", b"Content-Length: 2;\r\n", body=b"hi"),
    _fields("empty-length", b"Content-Length:\r\n"),
    _fields("length-beyond-64-bits", b"Content-Length: 18446744073709551618\r\n", body=b"hi"),
    _fields("length-beyond-63-bits", b"Content-Length: 9223372036854775808\r\n", body=b"hi"),
]

CODINGS = [
    _fields("gzip-chunked", b"Transfer-Encoding: gzip, chunked\r\n", body=b"0\r\n\r\n"),
    _fields("chunked-gzip", b"Transfer-Encoding: chunked, gzip\r\n", body=b"0\r\n\r\n"),
    _fields("chunked-identity", b"Transfer-Encoding: chunked, identity\r\n", body=b"0\r\n\r\n"),
    _fields("identity", b"Transfer-Encoding: identity\r\n"),
    _fields("chunked-twice", b"Transfer-Encoding: chunked, chunked\r\n", body=b"0\r\n\r\n"),
    _fields(
        "two-codings-in-two-lines",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        body=b"0\r\n\r\n" + _SMUGGLED,
    ),
    _fields("xchunked", b"Transfer-Encoding: xchunked\r\n", body=b"0\r\n\r\n"),
    _fields("chunked-with-a-parameter", b"Transfer-Encoding: chunked;x=1\r\n", body=b"0\r\n\r\n"),
    _fields("chunked-in-quotes", b'Transfer-Encoding: "chunked"\r\n', body=b"0\r\n\r\n"),
    _fields("vertical-tab-chunked", b"Transfer-Encoding: \x0bchunked\r\n", body=b"0\r\n\r\n"),
    _fields("chunked-nul", b"Transfer-Encoding: chunked\x00\r\n", body=b"0\r\n\r\n"),
    _fields("coding-before-a-space", b"Transfer-Encoding : chunked\r\n", body=b"0\r\n\r\n"),
    _fields("coding-before-a-tab", b"Transfer-Encoding\t: chunked\r\n", body=b"0\r\n\r\n"),
    _fields("folded-coding", b"Transfer-Encoding:\r\n chunked\r\n", body=b"0\r\n\r\n"),
    _fields("coding-in-a-folded-line", b"X: y\r\n Transfer-Encoding: chunked\r\n"),
    Payload(
        "chunked-in-http-1-0",
        b"POST / HTTP/1.0\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    ),
]

CHUNKS = [
    _chunks("junk-size", b"5x\r\nhello\r\n0\r\n\r\n"),
    _chunks("hexadecimal-mark", b"0x5\r\nhello\r\n0\r\n\r\n"),
    _chunks("signed-size", b"+5\r\nhello\r\n0\r\n\r\n"),
    _chunks("negative-size", b"-5\r\nhello\r\n0\r\n\r\n"),
    _chunks("underscore-in-size", b"1_0\r\n0123456789012345\r\n0\r\n\r\n"),
    _chunks("space-before-size", b" 5\r\nhello\r\n0\r\n\r\n"),
    _chunks("space-behind-size", b"5 \r\nhello\r\n0\r\n\r\n"),
    _chunks("empty-size", b"\r\nhello\r\n0\r\n\r\n"),
    _chunks("size-beyond-64-bits", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    _chunks("longer-than-its-size", b"5\r\nhello world\r\n0\r\n\r\n"),
    _chunks("no-line-end-behind-data", b"5\r\nhello0\r\n\r\n"),
    _chunks("bare-lf-behind-size", b"5\nhello\r\n0\r\n\r\n"),
    _chunks("bare-cr-behind-size", b"5\rhello\r\n0\r\n\r\n"),
    _chunks("bare-lf-behind-data", b"5\r\nhello\n0\r\n\r\n"),
    _chunks("bare-lf-in-an-extension", b"5;x\ny\r\nhello\r\n0\r\n\r\n"),
    _chunks("line-end-in-a-quoted-extension", b'5;x="\r\n"\r\nhello\r\n0\r\n\r\n'),
    _chunks("bare-lf-at-the-end", b"5\r\nhello\r\n0\r\n\n" + _SMUGGLED),
    _chunks("request-as-a-trailer", b"0\r\n" + _SMUGGLED),
    _chunks("folded-trailer", b"0\r\nX: y\r\n z\r\n\r\n"),
    _chunks("endless-extension", b"5;" + b"x" * 200_000 + b"\r\nhello\r\n0\r\n\r\n"),
    _chunks("endless-trailer", b"0\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"),
]
"""The last two are 431s: nothing in them is malformed."""

LINES = [
    _fields("bare-lf-behind-a-field", b"X: y\nContent-Length: 39\r\n", body=_SMUGGLED),
    _fields("bare-cr-in-a-value", b"X: y\rContent-Length: 39\r\n", body=_SMUGGLED),
    _fields("nul-in-a-value", b"X: a\x00b\r\n"),
    _fields("folded-line", b"X: a\r\n b\r\n"),
    _fields("no-colon", b"X\r\n"),
    _fields("no-name", b": x\r\n"),
    _fields("space-in-a-name", b"X Y: z\r\n"),
    _fields("control-character-in-a-name", b"X\x01: z\r\n"),
    _fields("bytes-beyond-ascii-in-a-name", b"\xc3\xa3: z\r\n"),
    Payload("bare-lf-behind-the-request-line", b"GET / HTTP/1.1\nHost: shop\r\n\r\n"),
    Payload("bare-lf-at-the-end-of-the-head", b"GET / HTTP/1.1\r\nHost: shop\r\n\n"),
    Payload("space-before-the-first-field", b"GET / HTTP/1.1\r\n X: y\r\nHost: shop\r\n\r\n"),
    Payload("tab-in-the-request-line", b"GET\t/ HTTP/1.1\r\nHost: shop\r\n\r\n"),
    Payload("no-target", b"GET HTTP/1.1\r\nHost: shop\r\n\r\n"),
    Payload("two-targets", b"GET /a /b HTTP/1.1\r\nHost: shop\r\n\r\n"),
    Payload("lower-case-version", b"GET / http/1.1\r\nHost: shop\r\n\r\n"),
    Payload("space-behind-the-version", b"GET / HTTP/1.1 \r\nHost: shop\r\n\r\n"),
    Payload("http-0-9", b"GET /\r\n\r\n", 505),
    Payload("http-1-2", b"GET / HTTP/1.2\r\nHost: shop\r\n\r\n", 505),
    Payload("http-2-0", b"GET / HTTP/2.0\r\nHost: shop\r\n\r\n", 505),
    Payload("http-2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Payload("not-http", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 501),
    Payload("unknown-method", b"BREW / HTTP/1.1\r\nHost: shop\r\n\r\n", 501),
    Payload("lower-case-method", b"get / HTTP/1.1\r\nHost: shop\r\n\r\n", 501),
    Payload("trace", b"TRACE / HTTP/1.1\r\nHost: shop\r\n\r\n", 501),
    Payload("connect", b"CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n" + _SMUGGLED, 501),
]

HOSTS = [
    _host("missing", b""),
    _host("twice", b"Host: shop\r\nHost: shop\r\n"),
    _host("two-that-differ", b"Host: shop\r\nhost: evil\r\n"),
    _host("empty", b"Host:\r\n"),
    _host("junk-behind-the-port", b"Host: shop:80-junk\r\n"),
    _host("unclosed-bracket", b"Host: [::1\r\n"),
    _host("list", b"Host: shop, evil\r\n"),
    _host("userinfo", b"Host: user@shop\r\n"),
    _host("space", b"Host: shop evil\r\n"),
    _host("nul", b"Host: shop\x00evil\r\n"),
    _host("path", b"Host: shop/evil\r\n"),
]

TARGETS = [
    _target("fragment", b"/a#b"),
    _target("bytes-beyond-ascii", b"/\xe3"),
    _target("control-character", b"/\x01"),
    _target("no-slash", b"a"),
    _target("other-scheme", b"ftp://shop/"),
    _target("authority-form", b"shop:80"),
    _target("userinfo", b"http://user@shop/"),
    _target("star-for-get", b"*"),
    _target("nul-escape", b"/new%00"),
    _target("broken-escape", b"/new%2"),
    _target("dots-to-another-route", b"/new/../admin%2f..%2fnew/x"),
    _target("escaped-slash", b"/new%2fadmin"),
    _target("escaped-backslash", b"/new%5cadmin"),
    _target("two-slashes", b"//new/x"),
    _target("dots-with-a-parameter", b"/new/..;/x"),
    _target("too-long", b"/" + b"a" * (16 * 1024), 414),
]
"""Here ``/new`` has a backend of its own, so that it matters how a path is read."""

SIZES = [
    Payload("too-many-fields", b"GET / HTTP/1.1\r\n" + _HOST + b"X: y\r\n" * 256 + b"\r\n", 431),
    _fields("head-too-large-in-one-field", b"X: " + b"y" * 65_536 + b"\r\n", status=431),
    _fields("head-too-large-in-many", (b"X: " + b"y" * 512 + b"\r\n") * 128, status=431),
    Payload("endless-name", b"GET / HTTP/1.1\r\n" + b"x" * 100_000, 431),
    Payload("endless-value", b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000, 431),
    Payload("endless-target", b"GET /" + b"x" * 100_000, 431),
    Payload("endless-empty-lines", b"\r\n" * 50_000, 431),
]

PAYLOADS = [*LENGTHS, *CODINGS, *CHUNKS, *LINES, *HOSTS, *TARGETS, *SIZES]
