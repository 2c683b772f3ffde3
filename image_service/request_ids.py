"""``X-Request-Id``: one name for a request in its answer, in problem documents and in the log."""

from __future__ import annotations

import logging
import re
import secrets
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-request-id"
LONGEST_CHARACTERS = 128
CURRENT: ContextVar[str] = ContextVar("current_request_id", default="")
"""The request, or the one that ordered the job, that is worked on; empty for none."""

# What UUIDs, ULIDs, trace ids and the names of the usual proxies are made of: it can stand in a
# line of a log as it is.
_FORM = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:+/=@-]{{0,{LONGEST_CHARACTERS - 1}}}")
_MADE_BYTES = 16


def read_request_id(values: list[str]) -> str | None:
    """Return the name that a request came with; None for none, several, or what is no name."""
    if len(values) != 1 or not _FORM.fullmatch(values[0]):
        return None
    return values[0]


class Named:
    """An ASGI application whose requests have names: their own, or one made here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request under its name."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = read_request_id(Headers(scope=scope).getlist(HEADER))
        name = given or secrets.token_hex(_MADE_BYTES)

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        token = CURRENT.set(name)
        try:
            await self._app(scope, receive, send_named)
        finally:
            CURRENT.reset(token)


class NamingFormatter(logging.Formatter):
    """Ends each line with the request that it is about."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name there
        """Return the line, before a traceback."""
        line = super().formatMessage(record)
        name = CURRENT.get()
        return f"{line} request={name}" if name else line
