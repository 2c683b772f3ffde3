"""Customers who ask at a steady rate: ``python -m tests.flips.customers PORT RATE FILE``.

They ask when it is their turn, whether or not earlier answers have come, so that a gateway that
hesitates is felt. At SIGTERM they end what they began, and write down all that they saw.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
import time
from pathlib import Path
from typing import cast

import msgspec
import uvloop

CUSTOMERS = 997
"""Each asks again and again; spread over all buckets."""
_TICK_S = 0.01
_MAX_REUSES = 200
"""Requests on one connection: new ones are made all the time, as by real customers."""
_PATIENCE_S = 20.0


class Visit(msgspec.Struct, array_like=True, gc=False):
    """One request and its answer."""

    number: int
    customer: int
    sent_s: float
    """Monotonic, of this machine: other processes read the same clock."""
    done_s: float
    answer: str
    """The body of a 200; anything else in words."""


class Line(asyncio.Protocol):
    """One connection, with one request under way at most."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._transport: asyncio.Transport | None = None
        self._unread = b""
        self._visit: Visit | None = None
        self._left = crowd.chance.randint(1, _MAX_REUSES)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, visit: Visit) -> None:
        """Send a request."""
        assert self._transport is not None
        self._visit = visit
        self._left -= 1
        self._transport.write(
            b"GET /images/%d HTTP/1.1\r\nHost: flips.test\r\nX-Customer-Id: customer-%d\r\n\r\n"
            % (visit.number, visit.customer)
        )

    def data_received(self, data: bytes) -> None:
        """Read an answer: a head, and as many bytes as it says."""
        self._unread += data
        head, found, body = self._unread.partition(b"\r\n\r\n")
        if not found:
            return
        _, _, length = head.lower().partition(b"content-length: ")
        if len(body) < int(length.partition(b"\r\n")[0] or 0):
            return
        is_right = head.startswith(b"HTTP/1.1 200 ")
        self._unread = b""
        self._end(body.decode() if is_right else f"{head[:60]!r}")

    def connection_lost(self, exc: Exception | None) -> None:
        """A request that was under way has no answer."""
        if self._visit is not None:
            self._end(f"cut: {exc!r}")

    def _end(self, answer: str) -> None:
        visit, self._visit = self._visit, None
        if visit is None:
            self._crowd.saw(Visit(-1, -1, 0.0, 0.0, f"unasked: {answer}"))
            return
        visit.done_s, visit.answer = time.monotonic(), answer
        self._crowd.saw(visit)
        assert self._transport is not None
        if self._left and not self._transport.is_closing():
            self._crowd.idle.append(self)
        else:
            self._transport.close()

    @property
    def is_open(self) -> bool:
        """Whether it can be asked on."""
        return self._transport is not None and not self._transport.is_closing()


class Crowd:
    """All customers."""

    def __init__(self, port: int, rate: float) -> None:
        self._port, self._rate = port, rate
        self.chance = random.Random(1)
        self.idle: list[Line] = []
        self.visits: list[Visit] = []
        self._begun = 0
        self._seen = asyncio.Event()
        self.is_over = False

    def saw(self, visit: Visit) -> None:
        """Write down how a visit went."""
        self.visits.append(visit)
        self._seen.set()

    async def ask_on(self) -> None:
        """Ask at the rate until it is over, then wait for the last answers."""
        began_s = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while not self.is_over:
                due = int((time.monotonic() - began_s) * self._rate)
                for _ in range(due - self._begun):
                    self._begin(group)
                await asyncio.sleep(_TICK_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                while len(self.visits) < self._begun:
                    self._seen.clear()
                    await self._seen.wait()

    def _begin(self, group: asyncio.TaskGroup) -> None:
        self._begun += 1
        customer = self.chance.randrange(CUSTOMERS)
        visit = Visit(self._begun, customer, time.monotonic(), 0.0, "none")
        while self.idle:
            line = self.idle.pop()
            if line.is_open:
                line.ask(visit)
                return
        group.create_task(self._open(visit))

    async def _open(self, visit: Visit) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, line = await loop.create_connection(lambda: Line(self), "127.0.0.1", self._port)
        except OSError as error:
            visit.answer = f"refused: {error!r}"
            self.saw(visit)
        else:
            line.ask(visit)


async def _run(port: int, rate: float) -> list[Visit]:
    crowd = Crowd(port, rate)

    def end() -> None:
        crowd.is_over = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    sys.stdout.write("asking\n")
    sys.stdout.flush()
    await crowd.ask_on()
    return crowd.visits


def read_visits(file: Path) -> list[Visit]:
    """What the customers saw."""
    return msgspec.msgpack.decode(file.read_bytes(), type=list[Visit])


if __name__ == "__main__":
    seen = uvloop.run(_run(int(sys.argv[1]), float(sys.argv[2])))
    Path(sys.argv[3]).write_bytes(msgspec.msgpack.encode(seen))
