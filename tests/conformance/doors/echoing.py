"""A backend that answers every request with what it saw of it, and remembers them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.conformance.doors.origin import Backend, Origin
from tests.conformance.doors.stage import Customer
from tests.conformance.doors.tricks import Asked
from tests.conformance.doors.wire import PATIENCE_S
from tests.support.strict.messages import Request

_QUIET_TURNS = 50
"""Of the loop: on loopback everything has come to rest before."""


def asked(request: Request) -> Asked:
    """What a request asks for."""
    return request.method, request.target, bytes(request.body)


def echo(method: bytes, target: bytes, body: bytes) -> bytes:
    """The body of the answer to such a request."""
    return b"%b %b %d" % (method, target, len(body))


class Echo:
    """Serves an origin's connections as long as somebody waits for something."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._answered: dict[Backend, int] = {}

    @property
    def requests(self) -> list[Asked]:
        """Everything asked for so far, be it complete or not; in order, per connection."""
        return [asked(request) for backend in self._answered for request in backend.requests]

    def whole(self) -> int:
        """How many of them are complete, and were answered."""
        return sum(self._answered.values())

    async def run_until(self, is_true: Callable[[], bool], *customers: Customer) -> None:
        """Serve, and take what comes to these customers, until something holds.

        Raises:
            TimeoutError: It does not.
            ViolationError: A request came that no client may send.
        """
        async with asyncio.timeout(PATIENCE_S):
            while not is_true():
                await self._turn(customers)

    async def rest(self, *customers: Customer) -> None:
        """Serve until nothing can be under way any more."""
        for _ in range(_QUIET_TURNS):
            await self._turn(customers)

    async def _turn(self, customers: tuple[Customer, ...]) -> None:
        if (backend := self._origin.accept_now()) is not None:
            self._answered[backend] = 0
        for backend, answered in self._answered.items():
            if backend.has_ended:
                continue
            await backend.look()
            for request in backend.requests[answered:]:
                if request.is_complete:
                    self._answered[backend] += 1
                    await backend.send(_answer(request))
        for customer in customers:
            await customer.look()
        await asyncio.sleep(0)


def _answer(request: Request) -> bytes:
    body = echo(*asked(request))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head if request.method == b"HEAD" else head + body
