"""The load generator: raw HTTP/1.1 over keep-alive connections, in its own process.

``python -m bench.load PLAN`` (a `LoadPlan` as JSON) connects, warms the proxy up, prints ``ready``,
waits for a line on its standard input, runs the plan, and prints a `LoadResult` as JSON. Every
answer's status and length are checked; the first wrong one ends the run.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import cast

import uvloop

from bench.cases import NO_ID, LoadPlan, request_bytes
from bench.rounds import percentile

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK = b"200"
_WARM_SHARE = 10
"""The warm-up is this part of the run: enough for pools to fill and caches to be warm."""
_LONGEST_WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What came of a run."""

    requests: int
    elapsed_s: float
    p50_us: float
    """Median time from a request to the end of its answer."""
    busy: float
    """The load generator's own use of a core, 0..1: near 1, it was what everybody waited for."""
    fault: str
    """What went wrong; empty if nothing did."""


class Run:
    """Hands out requests until there have been enough."""

    def __init__(self, plan: LoadPlan, requests: int, seconds: float) -> None:
        self._left = requests
        self._until_s = time.perf_counter() + seconds
        self._open = plan.connections
        self.took_s: list[float] = []
        self.fault = ""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def may_send(self) -> bool:
        """Whether a connection may send one more; if not, it counts as done."""
        if self._left and not self.fault and time.perf_counter() < self._until_s:
            self._left -= 1
            return True
        self._open -= 1
        if not self._open and not self.over.done():
            self.over.set_result(None)
        return False

    def fail(self, fault: str) -> None:
        """End the run."""
        self.fault = self.fault or fault
        if not self.over.done():
            self.over.set_result(None)


class LoadConnection(asyncio.Protocol):
    """One customer: asks, reads, asks again."""

    def __init__(self, plan: LoadPlan, customer: int) -> None:
        self._expected_bytes = plan.answer_bytes
        self._has_id = plan.has_id
        requests = [request_bytes(plan, route, customer) for route in range(plan.routes)]
        # Customers begin at different routes, so that all routes are warm at any time.
        first = customer * plan.routes // plan.connections
        self._requests: Iterator[bytes] = itertools.cycle(requests[first:] + requests[:first])
        self._run: Run | None = None
        self._head = b""
        self._left = 0
        self._began_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def begin(self, run: Run) -> None:
        """Take part in a run."""
        self._run = run
        self._next(run)

    def _next(self, run: Run) -> None:
        if run.may_send():
            self._began_s = time.perf_counter()
            request = next(self._requests)
            if self._has_id:
                request = request.replace(NO_ID, b"%032x" % random.getrandbits(128), 1)
            self._transport.write(request)
        else:
            self._run = None

    def data_received(self, data: bytes) -> None:
        """Read a piece of an answer."""
        run = self._run
        if run is None:
            return
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._head = b""
            length = _LENGTH.search(head)
            if head[9:12] != _OK or length is None or int(length[1]) != self._expected_bytes:
                run.fail(f"not the expected answer: {head[:200]!r}")
                return
            self._left = self._expected_bytes - len(rest)
        if self._left < 0:
            run.fail(f"{-self._left} bytes behind an answer")
        elif self._left == 0:
            run.took_s.append(time.perf_counter() - self._began_s)
            self._next(run)

    def connection_lost(self, exc: Exception | None) -> None:
        """An answer that will not come ends the run."""
        if self._run is not None:
            self._run.fail(f"connection lost: {exc or 'closed'}")


async def _all(connections: list[LoadConnection], run: Run) -> Run:
    for connection in connections:
        connection.begin(run)
    await run.over
    return run


async def _drive(plan: LoadPlan) -> LoadResult:
    loop = asyncio.get_running_loop()
    connections = []
    for customer in range(plan.connections):
        _, connection = await loop.create_connection(
            lambda customer=customer: LoadConnection(plan, customer),  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            "127.0.0.1",
            plan.port,
        )
        connections.append(connection)
    warm_requests = max(plan.requests // _WARM_SHARE, 2 * plan.connections)
    warm = await _all(connections, Run(plan, warm_requests, _LONGEST_WARM_UP_S))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    if warm.fault:
        return LoadResult(requests=0, elapsed_s=0, p50_us=0, busy=0, fault=warm.fault)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    run = await _all(connections, Run(plan, plan.requests, plan.seconds))
    elapsed_s = time.perf_counter() - began_s
    return LoadResult(
        requests=len(run.took_s),
        elapsed_s=elapsed_s,
        p50_us=percentile(run.took_s, 0.5) * 1e6 if run.took_s else 0,
        busy=(time.process_time() - began_cpu_s) / elapsed_s,
        fault=run.fault,
    )


if __name__ == "__main__":
    given = LoadPlan(**json.loads(sys.argv[1]))
    sys.stdout.write(json.dumps(asdict(uvloop.run(_drive(given)))) + "\n")
