"""A door of a real gateway, on the test's own loop and clock."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import time
from dataclasses import replace
from typing import Any

from uvicorn.server import ServerState

from gateway.proxy.access_log import AccessLog
from gateway.proxy.gateway import Gateway
from gateway.routing.snapshot import Address, Backend, Match, Route, Snapshot, Trust
from tests.conformance.doors.judges import CustomerJudge
from tests.conformance.doors.servers import DIRECT, Door
from tests.conformance.doors.wire import PATIENCE_S, Wire, until
from tests.support.strict.messages import Answer

WALL_S = 1_800_000_000.0
"""The time of day, in seconds since 1970, for access lines."""


def at_port(port: int) -> tuple[Address, ...]:
    """Where a backend of a test listens."""
    return (Address(host="127.0.0.1", port=port),)


def shop(*backends: Backend) -> Snapshot:
    """One route to the first backend; a second, if there is one, below ``/new``."""
    routes = [Route(name="rest", matches=(Match(path_prefix="/"),), backend=backends[0].name)]
    if len(backends) > 1:
        new = Route(name="new", matches=(Match(path_prefix="/new"),), backend=backends[1].name)
        routes.insert(0, new)
    return Snapshot(digest="0" * 64, trust=Trust(), backends=backends, routes=tuple(routes))


class Customer(Wire):
    """A customer's end of a connection."""

    def __init__(self, connected: socket.socket, judge: CustomerJudge) -> None:
        self._customer_judge = judge
        self._taken = 0
        super().__init__(connected, judge)

    @property
    def answers(self) -> list[Answer]:
        """The final answers so far, in order; the last may still be on its way."""
        return self._customer_judge.answers

    @property
    def is_answered(self) -> bool:
        """Whether there is an answer, and it is complete."""
        return bool(self.answers) and self.answers[-1].is_complete

    async def answer(self) -> bytes:
        """All that came up to the end of the next answer, interim ones included."""
        self._taken += 1
        taken = self._taken
        answer = await self.look_until(
            lambda: len(self.answers) >= taken and self.answers[taken - 1].is_complete
        )
        return await self.read(len(answer))


class Stage:
    """A door, and what a test needs to stand before it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._log_end, log = os.pipe()
        self._log_file = log
        self._log_text = b""
        self._log = AccessLog(log)
        self._customers: list[Customer] = []
        self._serving = contextlib.AsyncExitStack()
        self._ahead_s = 0.0
        self._is_closed = False
        self.state = ServerState()
        self.gateway = Gateway(snapshot, 1, self._log, lambda: WALL_S, clock=self._clock)
        self.port = 0

    async def open(self, door: Door = DIRECT, *, send_buffer_bytes: int | None = None) -> None:
        """Open for customers; the kernel's buffer towards them may be made small."""
        listener = socket.create_server(("127.0.0.1", 0))
        if send_buffer_bytes is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        self.port = listener.getsockname()[1]
        await self._serving.enter_async_context(door.serve(self.gateway, self.state, listener))

    async def customer(
        self, judge: CustomerJudge | None = None, *, receive_buffer_bytes: int | None = None
    ) -> Customer:
        """A customer who has just connected."""
        connected = socket.socket()
        if receive_buffer_bytes is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        connected.connect(("127.0.0.1", self.port))
        customer = Customer(connected, judge or CustomerJudge())
        self._customers.append(customer)
        return customer

    async def ask(self, request: bytes, judge: CustomerJudge | None = None) -> Customer:
        """A customer who has connected and sent something."""
        customer = await self.customer(judge)
        await customer.send(request)
        return customer

    def pass_time(self, seconds: float) -> None:
        """Let the gateway believe that `seconds` went by, and look after what took too long."""
        self.gateway.sweep(self._clock())
        self._ahead_s += seconds
        self.gateway.sweep(self._clock())

    def _clock(self) -> float:
        return time.monotonic() + self._ahead_s

    def install(self, *backends: Backend) -> None:
        """Install the next revision."""
        self.gateway.install(shop(*backends), self.gateway.revision + 1)

    def backend(self, *, port: int | None = None, **changes: Any) -> Backend:
        """The first backend, with changes."""
        if port is not None:
            changes["addresses"] = at_port(port)
        return replace(self._snapshot.backends[0], **changes)

    def open_connections(self) -> int:
        """To all backends."""
        return sum(self.gateway.counters().upstream_connections.values())

    def answered(self) -> int:
        """Requests that a backend has answered in full."""
        return sum(sum(lane.by_class) for lane in self.gateway.counters().lanes)

    def lines(self, count: int) -> list[dict[str, Any]]:
        """The next access lines, parsed.

        Raises:
            TimeoutError: There are not so many.
        """
        self.gateway.recorder.fold()
        self._log.flush()
        while self._log_text.count(b"\n") < count:
            if not select.select([self._log_end], [], [], PATIENCE_S)[0]:
                raise TimeoutError(self._log_text)
            self._log_text += os.read(self._log_end, 1 << 20)
        *lines, self._log_text = self._log_text.split(b"\n", count)
        return [json.loads(line) for line in lines]

    def line(self) -> dict[str, Any]:
        """The next access line, parsed."""
        return self.lines(1)[0]

    async def close(self) -> None:
        """Everybody leaves; then nothing may be left open.

        Raises:
            TimeoutError: A connection stays open.
        """
        if self._is_closed:
            return
        self._is_closed = True
        # Cut, not closed: an end waits behind bytes that nobody may be reading.
        for customer in self._customers:
            customer.drain()
            customer.reset()
        self.pass_time(0.0)
        try:
            await until(lambda: not self.gateway.doors and not self.state.connections)
        finally:
            # First, so that nobody waits for the lines that the test did not read.
            os.close(self._log_end)
            self.gateway.close()
            await self._serving.aclose()
            os.close(self._log_file)
        await until(lambda: self.open_connections() == 0)
