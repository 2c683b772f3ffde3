"""A port whose connections are taken by several acceptors, and the customers who come to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import cast

from gateway.control.accepting import Acceptor
from gateway.control.balance import Balance
from gateway.control.servers import listen
from tests.support.waiting import until


class Door(asyncio.Protocol):
    """Says its acceptor's name, and keeps the acceptor's book as uvicorn's protocols do."""

    def __init__(self, acceptor: Acceptor, name: bytes) -> None:
        self._acceptor = acceptor
        self._name = name
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self.transport = cast("asyncio.Transport", transport)
        self._acceptor.connections.add(self)
        self.transport.write(self._name)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - gone either way
        """Leave the book."""
        self._acceptor.connections.discard(self)


class Port:
    """A port that several acceptors share, as workers do."""

    def __init__(self, workers: int = 1) -> None:
        self.balance = Balance(workers)
        self._listener = listen("127.0.0.1", 0)
        self.address = self._listener.getsockname()
        self._customers: list[socket.socket] = []
        self._acceptors: list[Acceptor] = []

    def acceptor(
        self, index: int = 0, *, limit: int = 1000, tls: Callable[[], ssl.SSLContext] | None = None
    ) -> Acceptor:
        """One more acceptor."""
        place = self.balance.place(index)
        self._acceptors.append(Acceptor(self._listener.dup(), place, limit=limit, tls=tls))
        return self._acceptors[-1]

    def connect(self) -> socket.socket:
        """One more customer, who has connected as far as the kernel goes."""
        customer = socket.create_connection(self.address)
        customer.setblocking(False)
        self._customers.append(customer)
        return customer

    async def close(self) -> None:
        """Everybody leaves."""
        self._listener.close()
        for customer in self._customers:
            customer.close()
        for acceptor in self._acceptors:
            for door in acceptor.connections:
                door.transport.abort()
        await until(lambda: not any(acceptor.connections for acceptor in self._acceptors))


@contextmanager
def taking(*acceptors: Acceptor) -> Iterator[None]:
    """Let acceptors take connections while the block runs; they are named a, b, and so on."""
    with ExitStack() as stack:
        for number, acceptor in enumerate(acceptors):
            name = b"abcdef"[number : number + 1]
            stack.enter_context(acceptor.open(lambda a=acceptor, n=name: Door(a, n)))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        yield


async def greeting(customer: socket.socket) -> bytes:
    """What a customer is sent first."""
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recv(customer, 100)
