"""Requests and their answers: what crosses unchanged, and the little that a proxy must change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

_HOST = b"Host: shop\r\n"
_POST = b"POST / HTTP/1.1\r\n" + _HOST
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


OUR_REFUSAL = b"(our own %d)"
"""Stands for a whole answer of the gateway's own, application/problem+json."""


class End(Enum):
    """What becomes of the customer's connection behind the answer."""

    OPEN = "serves another request"
    CLOSED = "ends in order"
    CUT = "is cut"
    STUCK = "neither ends nor serves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """One request and its answer; what is left out crosses byte for byte."""

    id: str
    sent: bytes = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
    reaches: bytes | None = None
    """The request as the origin sees it; empty if it is refused."""
    body: bytes = b""
    """Of the request, behind `sent`."""
    reaches_body: bytes | None = None
    """That body as the origin sees it."""
    is_request_whole: bool = True
    """Whether the body comes at all, before the answer."""
    answered: bytes = _OK
    arrives: bytes | None = None
    """The answer as the customer sees it."""
    end: End = End.OPEN
    origin_closes: bool = False


CROSSINGS = [
    Crossing(id="plain"),
    Crossing(
        id="order-duplicates-and-case-of-request-fields",
        sent=b"GET /a?b=c&b=%2f HTTP/1.1\r\nhOsT: shop\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\n"
        b"COOKIE: a=1\r\ncookie: b=2\r\nEmpty:\r\n\r\n",
        reaches=b"GET /a?b=c&b=%2f HTTP/1.1\r\nhOsT: shop\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\n"
        b"COOKIE: a=1\r\ncookie: b=2\r\nEmpty: \r\n\r\n",
    ),
    Crossing(
        id="order-duplicates-case-and-reason-of-an-answer",
        answered=b"HTTP/1.1 202 Wird erledigt\r\nset-cookie: a=1\r\nSET-Cookie: b=2\r\nserver: x"
        b"\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Digest\r\ncontent-length: 0\r\n\r\n",
    ),
    Crossing(id="no-reason", answered=b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
    Crossing(
        id="no-reason-nor-space",
        answered=b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        arrives=b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
    ),
    Crossing(
        id="a-status-nobody-knows",
        answered=b"HTTP/1.1 599 Storm\r\nContent-Length: 0\r\n\r\n",
    ),
    Crossing(
        id="bytes-beyond-ascii-in-a-value",
        answered=b"HTTP/1.1 200 OK\r\nX-City: S\xc3\xa3o\xff\r\nContent-Length: 0\r\n\r\n",
    ),
    Crossing(id="escapes", sent=b"GET /%61%2Fb%C3%A3?q=%26+%3D HTTP/1.1\r\nHost: shop\r\n\r\n"),
    Crossing(
        id="fields-that-connection-names-are-for-us-alone",
        sent=b"GET / HTTP/1.1\r\nHost: shop\r\nX-A: 1\r\nConnection: x-a, Host\r\nX-B: 2\r\n"
        b"Keep-Alive: timeout=5\r\nTE: trailers\r\nProxy-Connection: keep-alive\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\nX-B: 2\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
        answered=b"HTTP/1.1 200 OK\r\nX-A: 1\r\nConnection: X-A, Keep-Alive\r\nX-B: 2\r\n"
        b"Keep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n",
        arrives=b"HTTP/1.1 200 OK\r\nX-B: 2\r\nContent-Length: 0\r\n\r\n",
    ),
    Crossing(
        id="a-forger-is-not-believed",
        sent=b"GET / HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6"
        b"\r\nForwarded: for=6.6.6.6\r\nX-Figueira-Pin: new\r\nProxy: http://evil\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
    ),
    Crossing(
        id="absolute-form",
        sent=b"GET http://other:81/a?b HTTP/1.1\r\nHost: shop\r\n\r\n",
        reaches=b"GET /a?b HTTP/1.1\r\nHost: other:81\r\n\r\n",
    ),
    Crossing(id="options-star", sent=b"OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n"),
    Crossing(
        id="an-empty-line-before-the-request",
        sent=b"\r\n\r\nGET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
    ),
    Crossing(
        id="body-with-length",
        sent=b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n",
        body=b"\x00\r\n\r\n",
    ),
    Crossing(
        id="get-with-a-body",
        sent=b"GET / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n",
        body=b"hello",
    ),
    Crossing(
        id="an-offer-to-switch-protocols-is-not-taken-up",
        sent=b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
    ),
    Crossing(
        id="an-offer-with-a-body-keeps-its-body",
        sent=b"POST / HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        b"Content-Length: 5\r\n\r\n",
        reaches=b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n",
        body=b"hello",
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        end=End.CLOSED,
    ),
    Crossing(
        id="a-backend-that-offers-other-protocols",
        answered=b"HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: Upgrade, Keep-Alive\r\n"
        b"Content-Length: 2\r\n\r\nhi",
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    ),
    Crossing(
        id="chunked-answer",
        answered=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n"
        b"00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
        arrives=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n"
        b"hello0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
    ),
    Crossing(
        id="close-delimited-answer",
        answered=b"HTTP/1.1 200 OK\r\n\r\nhello",
        arrives=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        origin_closes=True,
    ),
    Crossing(
        id="answer-of-http-1-0",
        answered=b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        origin_closes=True,
    ),
    Crossing(
        id="answer-of-http-1-0-that-keeps-alive",
        answered=b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    ),
    Crossing(
        id="head-says-the-length-and-has-no-body",
        sent=b"HEAD / HTTP/1.1\r\nHost: shop\r\n\r\n",
        answered=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    ),
    Crossing(
        id="head-of-a-chunked-answer",
        sent=b"HEAD / HTTP/1.1\r\nHost: shop\r\n\r\n",
        answered=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    Crossing(
        id="head-of-an-answer-that-ends-with-its-connection",
        sent=b"HEAD / HTTP/1.1\r\nHost: shop\r\n\r\n",
        answered=b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n",
    ),
    Crossing(id="no-content", answered=b"HTTP/1.1 204 No Content\r\n\r\n"),
    Crossing(
        id="not-modified-may-say-the-length",
        answered=b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: x\r\n\r\n",
    ),
    Crossing(
        id="not-modified-of-a-chunked-answer",
        answered=b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
        arrives=b"HTTP/1.1 304 Not Modified\r\n\r\n",
    ),
    Crossing(
        id="the-customer-closes",
        sent=b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        end=End.CLOSED,
    ),
    Crossing(
        id="a-proxy-s-word-for-close",
        sent=b"GET / HTTP/1.1\r\nHost: shop\r\nProxy-Connection: close\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        end=End.CLOSED,
    ),
    Crossing(
        id="http-1-0",
        sent=b"GET / HTTP/1.0\r\nHost: shop\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        end=End.CLOSED,
    ),
    Crossing(
        id="http-1-0-keep-alive",
        sent=b"GET / HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi",
    ),
    Crossing(
        id="http-1-0-gets-no-chunks",
        sent=b"GET / HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        answered=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        arrives=b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        end=End.CLOSED,
    ),
    Crossing(
        id="http-1-0-gets-no-interim-answers",
        sent=b"GET / HTTP/1.0\r\nHost: shop\r\nExpect: 100-continue\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        answered=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _OK,
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        end=End.CLOSED,
    ),
    Crossing(
        id="early-hints",
        answered=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nlink: </b>\r\n\r\n"
        b"HTTP/1.1 102 Processing\r\n\r\n" + _OK,
    ),
    Crossing(
        id="the-backend-closes-behind-its-answer",
        answered=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        arrives=_OK,
        origin_closes=True,
    ),
    Crossing(
        id="chunked-request",
        sent=_CHUNKED,
        body=b"5\r\nhello\r\na\r\n0123456789\r\n0\r\n\r\n",
        reaches_body=b"f\r\nhello0123456789\r\n0\r\n\r\n",
    ),
    Crossing(
        id="chunked-request-with-extensions-and-zeros",
        sent=_CHUNKED + b'005;a=b;c="d"\r\nhello\r\n000;e\r\n\r\n',
        reaches=_CHUNKED,
        reaches_body=b"5\r\nhello\r\n0\r\n\r\n",
    ),
    Crossing(
        id="chunked-in-capitals",
        sent=_POST + b"TRANSFER-ENCODING:  CHUNKED\r\n\r\n0\r\n\r\n",
        reaches=_POST + b"TRANSFER-ENCODING: chunked\r\n\r\n",
        reaches_body=b"0\r\n\r\n",
    ),
    Crossing(
        id="a-length-with-zeros-before-it",
        sent=_POST + b"Content-Length: 0005\r\n\r\n",
        body=b"hello",
    ),
    Crossing(
        id="a-target-that-browsers-send-and-no-standard-knows",
        sent=b'GET /a?b=|{}^"<>`\\ HTTP/1.1\r\nHost: shop\r\n\r\n',
    ),
    Crossing(
        id="a-backend-refuses-an-upload-before-it-is-sent",
        sent=_POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
        answered=b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n",
        arrives=b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n"
        b"Connection: close\r\n\r\n",
        end=End.CLOSED,
        is_request_whole=False,
    ),
    Crossing(
        id="an-answer-that-breaks-off-is-cut",
        answered=b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        end=End.CUT,
        origin_closes=True,
    ),
    Crossing(
        id="an-answer-that-breaks-off-never-looks-complete-to-http-1-0",
        sent=b"GET / HTTP/1.0\r\nHost: shop\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        answered=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        arrives=b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        end=End.CUT,
        origin_closes=True,
    ),
    Crossing(
        id="a-bare-line-feed-is-refused",
        sent=b"GET / HTTP/1.1\nHost: shop\r\n\r\n",
        reaches=b"",
        arrives=OUR_REFUSAL % 400,
        end=End.CLOSED,
    ),
    Crossing(
        id="a-fragment-is-refused",
        sent=b"GET /a#b HTTP/1.1\r\nHost: shop\r\n\r\n",
        reaches=b"",
        arrives=OUR_REFUSAL % 400,
        end=End.CLOSED,
    ),
    Crossing(
        id="two-hosts-are-refused",
        sent=b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        reaches=b"",
        arrives=OUR_REFUSAL % 400,
        end=End.CLOSED,
    ),
    Crossing(
        id="two-lengths-are-refused",
        sent=_POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        reaches=b"",
        arrives=OUR_REFUSAL % 400,
        end=End.CLOSED,
    ),
    Crossing(
        id="a-folded-line-is-refused",
        sent=b"GET / HTTP/1.1\r\nHost: shop\r\nX: a\r\n b\r\n\r\n",
        reaches=b"",
        arrives=OUR_REFUSAL % 400,
        end=End.CLOSED,
    ),
    Crossing(
        id="a-path-that-readers-disagree-on-is-refused-and-no-more",
        sent=b"GET /a%00 HTTP/1.1\r\nHost: shop\r\n\r\n",
        reaches=b"",
        arrives=OUR_REFUSAL % 400,
    ),
    Crossing(
        id="a-head-without-measure-is-refused",
        sent=b"GET / HTTP/1.1\r\nHost: shop\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        reaches=b"",
        arrives=OUR_REFUSAL % 431,
        end=End.CLOSED,
    ),
]
