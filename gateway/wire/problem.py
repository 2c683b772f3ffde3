"""The gateway's own answers: application/problem+json (RFC 9457), naming no software."""

from __future__ import annotations

import json

from gateway.wire.messages import Header

_RETRY_AFTER_S = {503: 1}
"""A full pool empties in about the time of one request."""


def problem_parts(status: int, title: str, detail: str) -> tuple[list[Header], bytes]:
    """The header fields and the body of an answer.

    Args:
        status: HTTP status.
        title: The status's own words.
        detail: One sentence for the customer; never anything the request brought.
    """
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body = json.dumps(problem, separators=(",", ":")).encode() + b"\n"
    headers = [
        (b"Content-Type", b"application/problem+json"),
        (b"Content-Length", b"%d" % len(body)),
        (b"Cache-Control", b"no-store"),
    ]
    if status in _RETRY_AFTER_S:
        headers.append((b"Retry-After", b"%d" % _RETRY_AFTER_S[status]))
    return headers, body


def write_problem(status: int, title: str, detail: str, *, head: bool, keep_alive: bool) -> bytes:
    """A whole answer, as `problem_parts` but on the wire.

    Args:
        status: HTTP status.
        title: The status's own words.
        detail: One sentence for the customer.
        head: Whether the request was HEAD: then the body is left out.
        keep_alive: Whether the connection stays open.
    """
    headers, body = problem_parts(status, title, detail)
    if not keep_alive:
        headers.append((b"Connection", b"close"))
    fields = b"".join(b"%b: %b\r\n" % field for field in headers)
    start = b"HTTP/1.1 %d %b\r\n" % (status, title.encode())
    return start + fields + b"\r\n" + (b"" if head else body)


UPSTREAM_TITLES = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
UPSTREAM_DETAILS = {
    502: "The server behind this address gave no usable answer.",
    503: "The server behind this address is busy; try again shortly.",
    504: "The server behind this address did not answer in time.",
}
