"""Byte transparency: what crosses unchanged, and the little that a proxy must change."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import Ended

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """One request and its answer; what is left out crosses byte for byte."""

    id: str
    sent: bytes = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
    reaches: bytes | None = None
    """The request as the origin sees it."""
    body: bytes = b""
    """Of the request, behind `sent`."""
    answered: bytes = _OK
    arrives: bytes | None = None
    """The answer as the customer sees it."""
    closes: bool = False
    """Whether the customer's connection ends behind it."""
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
        closes=True,
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
        arrives=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\nhello"
        b"0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
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
        arrives=b"HTTP/1.1 200 OK\r\n\r\n",
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
        closes=True,
    ),
    Crossing(
        id="a-proxy-s-word-for-close",
        sent=b"GET / HTTP/1.1\r\nHost: shop\r\nProxy-Connection: close\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        closes=True,
    ),
    Crossing(
        id="http-1-0",
        sent=b"GET / HTTP/1.0\r\nHost: shop\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        closes=True,
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
        closes=True,
    ),
    Crossing(
        id="http-1-0-gets-no-interim-answers",
        sent=b"GET / HTTP/1.0\r\nHost: shop\r\nExpect: 100-continue\r\n\r\n",
        reaches=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        answered=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _OK,
        arrives=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        closes=True,
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
]


@pytest.mark.parametrize("crossing", CROSSINGS, ids=lambda crossing: crossing.id)
async def test_a_message_crosses_unchanged_save_for_what_a_proxy_must_change(
    stage: Stage, origin: Origin, crossing: Crossing
) -> None:
    customer = await stage.ask(crossing.sent + crossing.body)
    backend = await origin.accept()
    assert await backend.head() == (crossing.reaches or crossing.sent)
    assert await backend.read(len(crossing.body)) == crossing.body
    await backend.send(crossing.answered)
    if crossing.origin_closes:
        backend.close()
    expected = crossing.arrives or crossing.answered
    assert await customer.read(len(expected)) == expected
    if crossing.closes:
        assert await customer.read_to_end() == Ended(b"", was_reset=False)
        return
    # Both connections have been left in order: they take another request.
    await customer.send(b"GET /again HTTP/1.1\r\nHost: shop\r\n\r\n")
    if crossing.origin_closes:
        backend = await origin.accept()
    again = await backend.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain")
    assert again.startswith(b"GET /again ")
    assert (await customer.read_until(b"again")).startswith(b"HTTP/1.1 200 OK\r\n")
    assert stage.open_connections() == 1
