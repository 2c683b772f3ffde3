"""Plain message types that every pure package may use. They carry data and decide nothing."""

from __future__ import annotations

Header = tuple[bytes, bytes]
"""A field line as a parser gives it: the name with its case kept; no CR, LF or NUL in either.
Space before or behind the value means nothing (RFC 9112, section 5); some parsers leave it."""

Piece = bytes | memoryview
"""A piece of a body; a view of what was read, where that spares a copy."""


class RequestHead:
    """What routing may look at; the parsed head of one request from downstream.

    Written out, for one is built per request: a dataclass of so many defaults costs twice as much.
    """

    __slots__ = ("client_ip", "method", "named", "path", "pin", "query")

    def __init__(self, method: bytes, path: bytes, query: bytes = b"") -> None:
        self.method = method
        """As received: HTTP methods are case-sensitive (RFC 9110, section 9.1)."""
        self.path = path
        """The target's path as received, undecoded, without the query: ``/...`` or ``*``."""
        self.query = query
        """What follows the first ``?``, undecoded; empty if there is none."""
        self.named: dict[bytes, bytes] = {}
        """Lower-case header name -> value, for the names that some route reads. Several field lines
        of one name are joined by ``, `` (``; `` for Cookie), as RFC 9110, section 5.3, allows."""
        self.client_ip = ""
        """The customer's address as text, after ``trust.proxies`` has been applied; empty if
        unknown (a Unix socket)."""
        self.pin = ""
        """The backend that a tester has asked for by name, once the tester is believed."""
