"""The gateway's own answers, naming no software: a page, or application/problem+json (RFC 9457)."""

from __future__ import annotations

import json
import re
from html import escape

from gateway.wire.messages import Header

_RETRY_AFTER_S = {503: 1}
"""A full pool empties in about the time of one request."""


_NO_CONTENT = 204
_WEIGHT = re.compile(rb"(?:^|;)[ \t]*q=([01](?:\.[0-9]{0,3})?)[ \t]*(?:;|$)")
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{status} {title}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; margin: 20vh auto 0; max-width: 34rem }}
body {{ padding: 0 1rem }}
h1 {{ font-size: 1.5rem; font-weight: 600; margin: 0 }}
p {{ margin: 0.5rem 0 }}
@media (prefers-color-scheme: dark) {{ body {{ background: #111; color: #eee }} }}
</style>
<h1>{title}</h1>
<p>{detail}</p>
<p><small>{small}</small></p>
</html>
"""
_PAGE_TYPES = (b"text/html", b"application/xhtml+xml")
_DATA_TYPES = (b"application/problem+json", b"application/json")


def prefers_page(accept: bytes) -> bool:
    """Whether an Accept header wants a page at least as much as JSON (RFC 9110, section 12.5.1).

    Ranges like ``*/*`` name neither; programs that send them are used to JSON.
    """
    weights = dict(map(_weigh, accept.lower().split(b",")))
    page = max(weights.get(kind, 0.0) for kind in _PAGE_TYPES)
    return page > 0 and page >= max(weights.get(kind, 0.0) for kind in _DATA_TYPES)


def _weigh(member: bytes) -> tuple[bytes, float]:
    """A media range and its weight; 0 for one that cannot be understood."""
    kind, _, parameters = member.partition(b";")
    weight = _WEIGHT.search(parameters)
    return kind.strip(), float(weight[1]) if weight else float(b"q=" not in parameters)


def problem_parts(
    status: int, title: str, detail: str, *, date: str, as_page: bool = False, reference: str = ""
) -> tuple[list[Header], bytes]:
    """The header fields and the body of an answer.

    Args:
        status: HTTP status.
        title: The status's own words.
        detail: One sentence for the customer; never anything the request brought.
        date: The moment of the answer, as RFC 9110, section 5.6.7, writes it.
        as_page: Whether it is for a person to read.
        reference: By which the request is found in the access log; letters and digits.
    """
    headers = [(b"Date", date.encode()), (b"Cache-Control", b"no-store")]
    if status in _RETRY_AFTER_S:
        headers.append((b"Retry-After", b"%d" % _RETRY_AFTER_S[status]))
    if status == _NO_CONTENT:
        return headers, b""
    if as_page:
        kind, body = b"text/html; charset=utf-8", _write_page(status, title, detail, reference)
    else:
        problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        if reference:
            problem["trace_id"] = reference
        kind = b"application/problem+json"
        body = json.dumps(problem, separators=(",", ":")).encode() + b"\n"
    headers += [(b"Content-Type", kind), (b"Content-Length", b"%d" % len(body))]
    return headers, body


def _write_page(status: int, title: str, detail: str, reference: str) -> bytes:
    small = f"{status} · {escape(reference)}" if reference else str(status)
    return _PAGE.format(
        status=status, title=escape(title), detail=escape(detail), small=small
    ).encode()


def write_problem(
    status: int, title: str, parts: tuple[list[Header], bytes], *, head: bool, keep_alive: bool
) -> bytes:
    """A whole answer on the wire.

    Args:
        status: HTTP status.
        title: The status's own words.
        parts: Fields and body, from `problem_parts`.
        head: Whether the request was HEAD: then the body is left out.
        keep_alive: Whether the connection stays open.
    """
    headers, body = parts
    if not keep_alive:
        headers = [*headers, (b"Connection", b"close")]
    fields = b"".join(b"%b: %b\r\n" % field for field in headers)
    start = b"HTTP/1.1 %d %b\r\n" % (status, title.encode())
    return start + fields + b"\r\n" + (b"" if head else body)


UPSTREAM_TITLES = {
    408: "Request Timeout",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
UPSTREAM_DETAILS = {
    408: "The request did not arrive in time.",
    500: "The gateway failed.",
    502: "The server behind this address gave no usable answer.",
    503: "The server behind this address is busy; try again shortly.",
    504: "The server behind this address did not answer in time.",
}
