"""How calls to collaborators are taken in: uvicorn's protocol, with a way to cut a connection.

ASGI can only end an answer well, or say 500. A collaborator that hangs up has done neither.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
CUT = "cut"
"""In a scope's state: what cuts the connection, once what was written has left."""


class EgressDoor(HttpToolsProtocol):
    """A connection of a side."""

    def on_message_begin(self) -> None:
        """Hand the application what it may need."""
        super().on_message_begin()
        self.scope["state"][CUT] = self._cut

    def _cut(self) -> None:
        cycle = self.cycle
        if cycle is not None:
            # uvicorn takes whoever says nothing for a fault of ours, unless the caller has left.
            cycle.disconnected = True
        self.transport.close()
