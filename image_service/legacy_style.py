"""How the monolith writes: JSON as Flask does, HTML pages as Werkzeug does.

The texts are those of Flask 3.1 and Werkzeug 3.1, recorded from the original monolith.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from starlette.responses import Response

_PAGES: dict[int, tuple[str, str]] = {
    400: (
        "Bad Request",
        "The browser (or proxy) sent a request that this server could not understand.",
    ),
    404: (
        "Not Found",
        "The requested URL was not found on the server. If you entered the URL manually "
        "please check your spelling and try again.",
    ),
    405: ("Method Not Allowed", "The method is not allowed for the requested URL."),
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
        "The server encountered an internal error and was unable to complete your request. "
        "Either the server is overloaded or there is an error in the application.",
    ),
    503: (
        "Service Unavailable",
        "The server is temporarily unable to service your request due to maintenance downtime or "
        "capacity problems. Please try again later.",
    ),
}


def json_bytes(value: object) -> bytes:
    """Write JSON with sorted keys, compact, ASCII only, and a newline at the end."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"{text}\n".encode("ascii")


def json_response(value: object, status: int = 200) -> Response:
    """Answer with JSON in the monolith's style."""
    return Response(json_bytes(value), status, media_type="application/json")


def page(status: int) -> Response:
    """Answer with the HTML page of a status: 400, 404, 405, 413, 415, 500 or 503."""
    title, text = _PAGES[status]
    body = (
        f"<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n"
        f"<h1>{title}</h1>\n<p>{text}</p>\n"
    )
    return Response(body, status, media_type="text/html")


def allow_response(allowed: Iterable[str], *, refused: bool) -> Response:
    """Answer with the Allow header: the 405 page when refused, else empty as to OPTIONS."""
    response = page(405) if refused else Response(b"", media_type="text/html")
    response.headers["Allow"] = ", ".join(sorted(allowed))
    return response
