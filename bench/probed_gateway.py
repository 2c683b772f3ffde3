"""`figueira serve` whose workers measure their own event loop; run under the gateway's Python.

When a worker ends it appends to ``BENCH_LAG_FILE`` a line of JSON: a list of [when, how late a
millisecond's timer was, CPU that the loop's thread used meanwhile], in seconds, the first of the
monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

from gateway.cli import main
from gateway.control.worker import Worker
from gateway.proxy.spawn import spawn

_EVERY_S = 0.001
_MOST = 200_000
_run = Worker.run


async def _probe(found: list[tuple[float, float, float]]) -> None:
    while len(found) < _MOST:
        began_s, used_s = time.monotonic(), time.thread_time()
        await asyncio.sleep(_EVERY_S)
        now_s = time.monotonic()
        found.append((now_s, now_s - began_s - _EVERY_S, time.thread_time() - used_s))


async def _probed(self: Worker) -> None:
    found: list[tuple[float, float, float]] = []
    probe = spawn(_probe(found), "probe")
    await _run(self)
    probe.cancel()
    _write(found)


def _write(found: list[tuple[float, float, float]]) -> None:
    with Path(os.environ["BENCH_LAG_FILE"]).open("a") as file:
        file.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    Worker.run = _probed  # type: ignore[method-assign]  # what is measured is the product as it is
    main()
