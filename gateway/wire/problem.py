"""The gateway's own answers: application/problem+json (RFC 9457), naming no software."""

from __future__ import annotations

import json

_RETRY_AFTER_S = {503: 1}
"""A full pool empties in about the time of one request."""


def write_problem(status: int, title: str, detail: str, *, head: bool, keep_alive: bool) -> bytes:
    """A whole answer.

    Args:
        status: HTTP status.
        title: The status's own words.
        detail: One sentence for the customer; never anything the request brought.
        head: Whether the request was HEAD: then the body is left out.
        keep_alive: Whether the connection stays open.
    """
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body = json.dumps(problem, separators=(",", ":")).encode() + b"\n"
    lines = [
        f"HTTP/1.1 {status} {title}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
    ]
    if status in _RETRY_AFTER_S:
        lines.append(f"Retry-After: {_RETRY_AFTER_S[status]}")
    if not keep_alive:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if head else body)


UPSTREAM_TITLES = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
UPSTREAM_DETAILS = {
    502: "The server behind this address gave no usable answer.",
    503: "The server behind this address is busy; try again shortly.",
    504: "The server behind this address did not answer in time.",
}
