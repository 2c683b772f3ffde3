"""Plain message types that every pure package may use. They carry data and decide nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

Header = tuple[bytes, bytes]
"""A field line as a parser gives it: the name with its case kept; no CR, LF or NUL in either.
Space before or behind the value means nothing (RFC 9112, section 5); some parsers leave it."""


@dataclass(slots=True, kw_only=True)
class RequestHead:
    """What routing may look at; the parsed head of one request from downstream.

    Not frozen: one is built per request, and a frozen dataclass costs three times as much.
    """

    method: bytes
    """As received: HTTP methods are case-sensitive (RFC 9110, section 9.1)."""
    path: bytes
    """The target's path as received, undecoded, without the query: ``/...`` or ``*``."""
    query: bytes = b""
    """What follows the first ``?``, undecoded; empty if there is none."""
    named: dict[bytes, bytes] = field(default_factory=dict)
    """Lower-case header name -> value, for the names that some route reads. Several field lines
    of one name are joined by ``, `` (``; `` for Cookie), as RFC 9110, section 5.3, allows."""
    client_ip: str = ""
    """The customer's address as text, after ``trust.proxies`` has been applied; empty if unknown
    (a Unix socket)."""
