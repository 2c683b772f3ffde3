"""One path and its methods, answered as Flask answers them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from image_service.contract import parse_id
from image_service.errors import MethodError
from image_service.legacy_style import allow_response

Handler = Callable[[Request, int | None], Awaitable[Response]]
"""Answers a request; gets the id in the path, None when it has none or one no row can have."""


class Resource:
    """An ASGI application for one path.

    HEAD is answered as GET without the body, OPTIONS with the Allow header. A path whose id is
    not a number does not exist, whatever the method: that is decided first.
    """

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)
        if "GET" in self._handlers:
            self._handlers["HEAD"] = self._handlers["GET"]
        self._allowed = (*self._handlers, "OPTIONS")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            RequestError: 404 or 405.
        """
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, without_body(send) if request.method == "HEAD" else send)

    async def _answer(self, request: Request) -> Response:
        text = request.path_params.get("id")
        image_id = None if text is None else parse_id(text)
        if request.method == "OPTIONS":
            return allow_response(self._allowed, refused=False)
        handler = self._handlers.get(request.method)
        if handler is None:
            raise MethodError(self._allowed)
        return await handler(request, image_id)


def without_body(send: Send) -> Send:
    """Send an answer's head as it is and nothing of its body: HEAD (RFC 9110, section 9.3.2)."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
