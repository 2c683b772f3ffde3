"""Request smuggling: what attackers send so that two readers find different requests in it.

Each trick is either refused, or forwarded as requests that no reader can find others in. The bytes
that an attacker would smuggle ask for ``/smuggled``: where that shows, it was asked for openly.
"""

from __future__ import annotations

from dataclasses import dataclass

HOST = b"Host: shop\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n"
POST = b"POST /open HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
ENDED = b"0\r\n\r\n"

Asked = tuple[bytes, bytes, bytes]
"""Method, target and body of a request."""
OPENLY: Asked = (b"GET", b"/smuggled", b"")
"""The second request of who asks for two."""


@dataclass(frozen=True, slots=True)
class Trick:
    """Bytes, and the one way in which they may be understood."""

    id: str
    sent: bytes
    reaches: tuple[Asked, ...] = ()
    """The requests that the backend gets, and no other."""
    refused: int = 400
    """The status of a refusal behind those, which closes the connection; 0 if there is none."""


def get(target: bytes = b"/open") -> Asked:
    """A GET without a body."""
    return (b"GET", target, b"")


def post(body: bytes = b"") -> Asked:
    """A POST to ``/open``."""
    return (b"POST", b"/open", body)


def shown(data: bytes) -> str:
    """Bytes as part of a test's name."""
    return (
        data.decode("latin-1").encode("unicode_escape").decode().replace(" ", "\\x20") or "nothing"
    )


def refused(name: str, sent: bytes, status: int = 400) -> Trick:
    """A trick that reaches nobody."""
    return Trick(name, sent, refused=status)


def passed(name: str, sent: bytes, *reaches: Asked) -> Trick:
    """A trick that is none: what it says is said openly."""
    return Trick(name, sent, reaches, refused=0)
