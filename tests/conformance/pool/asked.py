"""Requests of httpx that run while a test plays their backend."""

from __future__ import annotations

import httpx

from gateway.proxy.spawn import spawn
from tests.conformance.doors.origin import Backend

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Asked:
    """A request under way, and what becomes of it."""

    def __init__(self, client: httpx.AsyncClient, request: httpx.Request) -> None:
        self.response: httpx.Response | None = None
        self.fault: BaseException | None = None
        self._running = spawn(self._ask(client, request), "ask")

    async def _ask(self, client: httpx.AsyncClient, request: httpx.Request) -> None:
        try:
            self.response = await client.send(request, stream=True)
        except BaseException as fault:
            self.fault = fault
            if not isinstance(fault, Exception):
                raise

    def cancel(self) -> None:
        """Give it up."""
        self._running.cancel()

    async def answer(self) -> httpx.Response:
        """The answer's head, its body still to be read."""
        await self._running.ended()
        if self.fault is not None:
            raise self.fault
        assert self.response is not None
        return self.response


def ask(client: httpx.AsyncClient, method: str = "GET", path: str = "/", **parts: object) -> Asked:
    """Begin a request; its body and headers as httpx takes them."""
    return Asked(client, client.build_request(method, path, **parts))  # type: ignore[arg-type] # as httpx takes them


async def head_of(backend: Backend) -> bytes:
    """A request's head."""
    return await backend.read_until(b"\r\n\r\n")
