"""The pages behind which something happens, and those that look into the history."""

from __future__ import annotations

import msgspec
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.admin.guard import SameOrigin
from gateway.admin.operations import MAX_PAGE, PAGE, Announcement, Operations
from gateway.admin.problem import problem
from gateway.errors import GatewayError

_MAX_NUMBER = 2**31 - 1
_ANNOUNCEMENT = msgspec.json.Decoder(Announcement)

_TOLD = (Middleware(SameOrigin),)
"""Before what changes something."""


class OperationPages:
    """Reload and history of one gateway."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/api/reload", self.reload, methods=["POST"], middleware=_TOLD),
            Route("/api/announce", self.announce, methods=["POST"], middleware=_TOLD),
            Route("/api/revisions", self.revisions),
            Route("/api/revisions/{number}", self.revision),
        ]

    async def reload(self, _request: Request) -> Response:
        """`ReloadResult`, also where the file is bad: then the last good revision serves."""
        try:
            return _json(await self._operations.reload())
        except GatewayError as error:
            return problem(503, str(error))

    async def announce(self, request: Request) -> Response:
        """Hear who is about to write the file; nothing is changed by it but a name in a list."""
        try:
            announcement = _ANNOUNCEMENT.decode(await request.body())
        except msgspec.DecodeError:
            return problem(400, "The body must be {digest, author, how, restores, force} in JSON.")
        self._operations.announce(announcement)
        return Response(status_code=204)

    async def revisions(self, request: Request) -> Response:
        """`HistoryPage`; ``?before=N&limit=N`` asks for older ones, and for more at a time."""
        before = _number(request.query_params.get("before"), _MAX_NUMBER)
        limit = _number(request.query_params.get("limit"), MAX_PAGE)
        if before == 0 or limit == 0:
            return problem(400, f"before and limit must be numbers; limit {MAX_PAGE} at most.")
        try:
            return _json(await self._operations.history(before, limit or PAGE))
        except GatewayError as error:
            return problem(503, str(error))

    async def revision(self, request: Request) -> Response:
        """`RevisionText`."""
        number = _number(request.path_params["number"], _MAX_NUMBER)
        try:
            found = await self._operations.revision(number) if number else None
        except GatewayError as error:
            return problem(503, str(error))
        if found is None:
            return problem(404, "There is no such revision; /api/revisions lists those there are.")
        return _json(found)


def _number(text: str | None, most: int) -> int | None:
    """A whole number from 1; None where nothing is given, 0 for what cannot be used."""
    if text is None:
        return None
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    return int(text) if is_number and int(text) <= most else 0


def _json(content: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
