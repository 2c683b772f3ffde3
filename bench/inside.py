"""What of a request's CPU is the gateway's own: its code alone, with no kernel beneath it.

``python -P bench/inside.py ROUNDS REQUESTS`` runs the `gateway` that it can import, in one process,
on transports that only count: requests and answers are handed to the protocols as the event loop
would hand them over. It reads a job as JSON from its standard input (routes.yaml, whole requests of
each customer, what stands in them for an id that no other request has, the whole answer) and prints
what each round took, and where a sampler found it busy.
It imports nothing of the bench, so that it can run any checkout of the gateway.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import gc
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

from gateway.config import load
from gateway.control.worker import open_access_log
from gateway.proxy.direct import DirectConnection
from gateway.proxy.gateway import Gateway

_CONNECTING_TURNS = 100
"""Of the event loop; making a connection takes a task two or three."""
_SAMPLE_EVERY_S = 0.0005
_SWEEP_EVERY_S = 0.25
_OK = b"HTTP/1.1 200 "
_PACKAGE = str(Path(sys.modules["gateway"].__file__ or "").parent) + os.sep


class CountingTransport(asyncio.Transport):
    """A transport whose other end takes everything at once, and is told how much there was."""

    def __init__(self, protocol: asyncio.BaseProtocol, told: Callable[[Any], None]) -> None:
        super().__init__({"peername": ("127.0.0.1", 40_000)})
        self.protocol = protocol
        self.written_bytes = 0
        self.first = b""
        self._told = told
        protocol.connection_made(self)

    def write(self, data: Any) -> None:
        """Take bytes."""
        self.first = self.first or bytes(data)
        self.written_bytes += len(data)
        self._told(self)

    def writelines(self, list_of_data: Any) -> None:
        """Take them as one, as the event loop's transport does for its one system call."""
        self.write(b"".join(list_of_data))

    def feed(self, data: bytes) -> None:
        """Hand bytes to the protocol, whichever of the two kinds it is of."""
        if isinstance(self.protocol, asyncio.BufferedProtocol):
            while data:
                buffer = memoryview(self.protocol.get_buffer(len(data)))
                count = min(len(buffer), len(data))
                buffer[:count] = data[:count]
                self.protocol.buffer_updated(count)
                data = data[count:]
        elif isinstance(self.protocol, asyncio.Protocol):
            self.protocol.data_received(data)

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_write_buffer_size(self) -> int:
        """Nothing ever waits."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing ever waits."""

    def pause_reading(self) -> None:
        """Nothing comes unasked."""

    def resume_reading(self) -> None:
        """Nothing comes unasked."""

    def close(self) -> None:
        """Stay."""

    def abort(self) -> None:
        """Fail: nothing here gives a reason to."""
        raise ConnectionAbortedError("the gateway cut a connection")


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose connections lead to an origin that is not there."""

    asked: list[CountingTransport]

    async def create_connection(self, protocol_factory: Any, *_: Any, **__: Any) -> Any:
        """Connect at once."""
        transport = CountingTransport(protocol_factory(), self.asked.append)
        return transport, transport.protocol


class Harness:
    """A worker's gateway with customers in front and an origin behind."""

    def __init__(self, job: dict[str, Any], loop: Loop, folder: str) -> None:
        self._loop = loop
        loop.asked = []
        requests = [[each.encode("latin-1") for each in own] for own in job["requests"]]
        self._answer = job["answer"].encode("latin-1")
        self._gateway = Gateway(
            load(job["routes"].encode(), {}),
            1,
            open_access_log(str(Path(folder) / "access.log")),
            time.time,  # noqa: TID251 - this is where the clock is injected
        )
        state: Any = SimpleNamespace(connections=set(), total_requests=0)
        config: Any = None
        given = {"gateway": self._gateway}
        doors = [
            DirectConnection(config=config, server_state=state, app_state=given) for _ in requests
        ]
        self._customers = [CountingTransport(door, lambda _: None) for door in doors]
        self._requests = [itertools.cycle(own) for own in requests]
        self._id = job["id"].encode("latin-1")
        self._swept_s = time.monotonic()

    def hand_over_to(self, hand_over: Callable[[list[Any]], bool]) -> None:
        """Let trials be taken."""
        self._gateway.captures.hand_over = hand_over

    async def warm_up(self) -> None:
        """Let every customer ask once; the pools connect meanwhile."""
        self._ask()
        for _ in range(_CONNECTING_TURNS):
            await asyncio.sleep(0)
        self._reply()
        for customer in self._customers:
            if not customer.first.startswith(_OK):
                raise SystemExit(f"not the expected answer: {customer.first[:100]!r}")
        self.run(20 * len(self._customers))

    def run(self, requests: int) -> None:
        """Let the customers ask so many requests, all at once and again."""
        before = sum(each.written_bytes for each in self._customers)
        for _ in range(requests // len(self._customers)):
            self._ask()
            self._reply()
        taken = sum(each.written_bytes for each in self._customers) - before
        if taken < requests * len(self._answer.partition(b"\r\n\r\n")[2]):
            raise SystemExit(f"{requests} requests had {taken} bytes of answers")

    def _ask(self) -> None:
        for customer, requests in zip(self._customers, self._requests, strict=True):
            request = next(requests)
            if self._id:
                request = request.replace(self._id, b"%032x" % random.getrandbits(128), 1)
            customer.feed(request)

    def _reply(self) -> None:
        asked = self._loop.asked
        while asked:
            asked.pop().feed(self._answer)
        if time.monotonic() - self._swept_s > _SWEEP_EVERY_S:
            self._swept_s = time.monotonic()
            self._gateway.sweep(self._swept_s)


def sampled(run: Callable[[], None]) -> dict[str, int]:
    """Run, and count in which function of the gateway the time went; ``""`` is the harness."""
    found: collections.Counter[str] = collections.Counter()

    def look(_: int, frame: FrameType | None) -> None:
        while frame is not None and not frame.f_code.co_filename.startswith(_PACKAGE):
            frame = frame.f_back
        code = frame.f_code if frame else None
        found[f"{code.co_filename.removeprefix(_PACKAGE)}:{code.co_qualname}" if code else ""] += 1

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _SAMPLE_EVERY_S, _SAMPLE_EVERY_S)
    run()
    signal.setitimer(signal.ITIMER_REAL, 0)
    return dict(found)


async def _main(rounds: int, requests: int) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)  # noqa: S101 - made below
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        harness = Harness(json.load(sys.stdin), loop, folder)
        await harness.warm_up()
        # As a worker does when it has started.
        gc.collect()
        gc.freeze()
        took_us = []
        for _ in range(rounds):
            began_s = time.process_time()
            harness.run(requests)
            took_us.append((time.process_time() - began_s) / requests * 1e6)
        samples = sampled(lambda: harness.run(requests * rounds))
        json.dump({"took_us": took_us, "samples": samples}, sys.stdout)


if __name__ == "__main__":
    with contextlib.closing(Loop()) as own_loop:
        own_loop.run_until_complete(_main(int(sys.argv[1]), int(sys.argv[2])))
