"""What `bench.trials` runs under the gateway's own Python: one worker with and without trials.

Requests of 1 KiB answers pass through a worker's code without a kernel before or behind it; those
that are to be tried, all of them, are handed over on a real socket, whose other end reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import sys
import tempfile
import time

from bench.inside import Harness, Loop
from gateway.control.messages import Offered, encode
from gateway.proxy.captured import Captured

_CUSTOMERS, _TURNS, _REQUESTS = 16, 7, 9_600
_ROUTES = """\
version: 1
backends: {{legacy: {{url: "http://127.0.0.1:1"}}, candidate: {{url: "http://127.0.0.1:2"}}}}
routes:
  - {{name: all, match: {{path_prefix: /}}, backend: legacy{run}}}
{runs}"""
_RUNS = "parallel_runs: {r: {control: legacy, candidate: candidate}}\n"
_BODY = "x" * 1024
_ANSWER = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(_BODY)}\r\n\r\n{_BODY}"
)
_REQUEST = (
    "GET /things/7 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
)


class _Link:
    """A worker's link to control, and who reads it."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        for end in (self._ours, self._theirs):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        self.taken = 0
        self.reading_s = 0.0

    def hand_over(self, trials: list[Captured]) -> bool:
        """Send them; reading them is not the worker's work."""
        self._ours.send(encode(Offered(trials)))
        self.taken += len(trials)
        began_s = time.process_time()
        with contextlib.suppress(BlockingIOError):
            while self._theirs.recv(1 << 20):
                pass
        self.reading_s += time.process_time() - began_s
        return True


async def _measure(routes: str, folder: str) -> tuple[list[float], int]:
    """Microseconds a request of each turn; and how many were handed over."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)  # noqa: S101 - made below
    job = {"requests": [[_REQUEST]] * _CUSTOMERS, "answer": _ANSWER, "routes": routes, "id": ""}
    harness, link = Harness(job, loop, folder), _Link()
    harness.hand_over_to(link.hand_over)
    await harness.warm_up()
    gc.collect()
    gc.freeze()
    found_us = []
    for _ in range(_TURNS):
        began_s, link.reading_s = time.process_time(), 0.0
        for _ in range(_REQUESTS // _CUSTOMERS // 4):
            harness.run(4 * _CUSTOMERS)
            await asyncio.sleep(0)
        took_s = time.process_time() - began_s - link.reading_s
        found_us.append(took_s / _REQUESTS * 1e6)
    return found_us, link.taken


def main() -> None:
    """Measure, and print a list of each kind as JSON."""
    found = []
    for run, runs in (("", ""), (", parallel_run: r", _RUNS)):
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as folder,
            contextlib.closing(Loop()) as loop,
        ):
            routes = _ROUTES.format(run=run, runs=runs)
            found.append(loop.run_until_complete(_measure(routes, folder)))
    (without_us, none), (with_us, taken) = found
    if none or taken < _REQUESTS:
        raise SystemExit(f"{none} and {taken} trials were handed over")
    json.dump({"without_us": without_us, "with_us": with_us}, sys.stdout)


if __name__ == "__main__":
    main()
