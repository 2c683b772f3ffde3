"""What Flask 3.1 and Werkzeug 3.1 write and accept: JSON bodies, HTML pages, the test for JSON.

Every text and every order of headers here is the recorded one. ``Date``, ``Server`` and
``Connection`` belong to the HTTP server.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

JSON = "application/json"
HTML = "text/html; charset=utf-8"

# status -> title and text, the text already in HTML as Werkzeug writes it
PAGES: dict[int, tuple[str, str]] = {
    400: (
        "Bad Request",
        "The browser (or proxy) sent a request that this server could not understand.",
    ),
    404: (
        "Not Found",
        "The requested URL was not found on the server. If you entered the URL manually please "
        "check your spelling and try again.",
    ),
    405: (
        "Method Not Allowed",
        "The method is not allowed for the requested URL.",
    ),
    413: (
        "Request Entity Too Large",
        "The data value transmitted exceeds the capacity limit.",
    ),
    415: (
        "Unsupported Media Type",
        "Did not attempt to load JSON data because the request Content-Type was not "
        "&#39;application/json&#39;.",
    ),
    500: (
        "Internal Server Error",
        "The server encountered an internal error and was unable to complete your request. Either "
        "the server is overloaded or there is an error in the application.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as the handlers see it, its body already read.

    Attributes:
        method: In capitals, whatever the customer wrote.
        target: The request target as it was sent, query included.
        host: The Host header; None when there is none.
        server: ``host:port`` the request arrived at, stands in for a missing Host.
        content_type: The Content-Type header, empty when there is none.
        body: All of it, empty when there is none.
        cookie: The Cookie header, empty when there is none.
        is_https: Whether the customer speaks TLS to whoever stands in front.
        traceparent: The header of that name, empty when there is none.
    """

    method: str
    target: str
    host: str | None = None
    server: str = ""
    content_type: str = ""
    body: bytes = b""
    cookie: str = ""
    is_https: bool = False
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer: status, headers in the order of the wire, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class HttpError(Exception):
    """Ends the handling of a request with the HTML page for ``status``."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def json_answer(value: object) -> Answer:
    """Answer 200 with Flask's JSON: keys sorted, compact, ASCII, a newline at the end.

    Infinity is written as Python writes it, which is not JSON.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n"
    return plain_answer(JSON, text.encode("ascii"))


def plain_answer(content_type: str, body: bytes) -> Answer:
    """Answer 200 with ``body`` and nothing a cache or a browser could work with."""
    headers = (("Content-Type", content_type), ("Content-Length", str(len(body))))
    return Answer(status=200, headers=headers, body=body)


def error_page(status: int) -> Answer:
    """Answer with Werkzeug's page for ``status``, one of the keys of ``PAGES``."""
    body = _page(status)
    headers = (("Content-Type", HTML), ("Content-Length", str(len(body))))
    return Answer(status=status, headers=headers, body=body)


def not_allowed(methods: Iterable[str]) -> Answer:
    """Answer 405 and say which ``methods`` the path knows."""
    return _with_allow(405, methods, _page(405))


def options(methods: Iterable[str]) -> Answer:
    """Answer OPTIONS as Flask does on its own: 200, empty, the ``methods`` in Allow."""
    return _with_allow(200, methods, b"")


def redirect(url: str, *, shown: str | None = None) -> Answer:
    """Answer 308 to ``url``, with Werkzeug's page, which names ``shown`` (None: ``url``)."""
    # Werkzeug escapes quotes by number, Python by name
    link = escape(shown or url).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    body = (
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n"
        "<h1>Redirecting...</h1>\n"
        "<p>You should be redirected automatically to the target URL: "
        f'<a href="{link}">{link}</a>. If not, click the link.\n'
    ).encode()
    headers = (("Content-Type", HTML), ("Content-Length", str(len(body))), ("Location", url))
    return Answer(status=308, headers=headers, body=body)


def read_json(request: Request) -> object:
    """Parse the request's body; any JSON value, in UTF-8 (with or without BOM), -16 or -32.

    Raises:
        HttpError: 415 when the content type is not JSON, 400 when the body is not.
    """
    media_type = request.content_type.partition(";")[0].strip().lower()
    is_json = media_type == JSON or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    if not is_json:
        raise HttpError(415)
    try:
        value: object = json.loads(request.body)
    except ValueError as error:
        raise HttpError(400) from error
    return value


def _page(status: int) -> bytes:
    title, text = PAGES[status]
    return (
        f"<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n"
        f"<h1>{title}</h1>\n<p>{text}</p>\n"
    ).encode()


def _with_allow(status: int, methods: Iterable[str], body: bytes) -> Answer:
    allow = ", ".join(sorted(methods))
    headers = (("Content-Type", HTML), ("Allow", allow), ("Content-Length", str(len(body))))
    return Answer(status=status, headers=headers, body=body)
