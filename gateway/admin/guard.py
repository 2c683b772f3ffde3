"""Who may ask, and what every answer carries.

A page in an operator's browser can point a name of its own at 127.0.0.1 and then read the admin
port as if it were its own server (DNS rebinding). The Host header gives it away: it holds the
page's name. An address in its place cannot be rebound, so addresses are always allowed.

Without rebinding it can still send requests there and not see the answers (request forgery). What
changes something is therefore a POST of JSON, which a browser does not send elsewhere without
asking first, and we never say yes; and its Origin, if it has one, has to be the admin port's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.admin.problem import problem

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""On every answer: it is true for a moment only, and it is never a script."""
MAX_BODY_BYTES = 64 * 1024
"""Announcements have some hundred bytes."""

_HOST = re.compile(r"(?:\[(?P<address>[^\[\]]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::[0-9]{1,5})?")
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


def is_allowed(host: str, allowed_names: frozenset[str]) -> bool:
    """Whether a Host header's value is an address, a loopback name or an allowed name.

    Args:
        host: The value as received, with or without a port.
        allowed_names: In lower case, without a port.
    """
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    if match["address"]:
        return _is_address(match["address"])
    name = match["name"].lower().removesuffix(".")
    is_loopback = name == "localhost" or name.endswith(".localhost")  # RFC 6761, section 6.3
    return is_loopback or name in allowed_names or _is_address(name)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class Guard:
    """Refuses what must not reach a page, and adds `HEADERS` to what goes back."""

    def __init__(self, app: ASGIApp, allowed_hosts: Iterable[str]) -> None:
        self._app = app
        self._allowed_names = frozenset(name.lower() for name in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI); what is no HTTP request passes unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_RAW_HEADERS]
            await send(message)

        app = self._refusal(scope) or self._app
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            return problem(400, "A request needs exactly one Host header.")
        if not is_allowed(hosts[0].decode("latin-1"), self._allowed_names):
            return problem(421, "Ask by address, as localhost, or by a name in the allowed hosts.")
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if any(not value.isdigit() or int(value) > MAX_BODY_BYTES for value in lengths):
            return problem(413, f"A body may have {MAX_BODY_BYTES} bytes at most.")
        return None


class SameOrigin:
    """Before a page that changes something: refuses what a page of another origin could send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI), whose Host the guard has looked at."""
        app = _forged(dict(scope["headers"])) or self._app
        await app(scope, receive, send)


def _forged(headers: Mapping[bytes, bytes]) -> ASGIApp | None:
    origin = headers.get(b"origin")
    if origin is not None and origin.partition(b"://")[2] != headers[b"host"]:
        return problem(403, "Pages of other origins may not change anything here.")
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        return problem(415, "Send Content-Type: application/json.")
    return None
