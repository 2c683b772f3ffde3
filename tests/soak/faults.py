"""What goes wrong meanwhile, one thing after the other, and what each may do to requests."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.soak.ledger import Excuse, Ledger
from tests.support.figueira import Figueira
from tests.support.processes import Process, environment

_ROOT = Path(__file__).parents[2]
_DOWN_S = 0.7
"""How long a backend is away: connections are refused meanwhile."""
_STOPPED_S = 1.0
"""How long a backend stands still: much less than it may take to answer."""
_PAUSE_S = 0.02

Fault = Callable[["Trouble"], Awaitable[None]]


class Backend:
    """A backend of its own process, which may be killed and started again on its port."""

    def __init__(self, name: str, port: int) -> None:
        self.name, self.port = name, port
        self.process = self._start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()

    def start_again(self) -> None:
        """Start it again, and wait until it listens."""
        self.process = self._start()

    def _start(self) -> Process:
        command = [sys.executable, "-m", "tests.soak.origin", self.name, str(self.port)]
        process = Process(command, environment(), _ROOT)
        process.wait_for_line("listening")
        return process


class Trouble:
    """Makes trouble for a gateway while it is in use."""

    def __init__(
        self, figueira: Figueira, backends: tuple[Backend, ...], ledger: Ledger, seed: int
    ) -> None:
        self.figueira = figueira
        self.backends = backends
        self.ledger = ledger
        self.random = random.Random(seed)
        self.good = figueira.routes.text
        self.made: Counter[str] = Counter()

    async def make(self, fault: Fault) -> None:
        """Make trouble of one kind, to its end."""
        await fault(self)
        self.made[NAMES[fault]] += 1

    async def kill(self, pid: int) -> None:
        """Kill a process of the gateway and wait until another has its place."""
        self.figueira.kill(pid)
        await asyncio.to_thread(lambda: self.figueira.wait_until_whole(without=[pid]))

    async def status(self) -> dict[str, Any]:
        """What the gateway says of itself."""
        return await asyncio.to_thread(self.figueira.wait_until_whole)


async def _kill_worker(trouble: Trouble) -> None:
    """Always the last one, so that another lives long enough to be watched."""
    worker = (await trouble.status())["workers"][-1]["pid"]
    window = trouble.ledger.open_window(Excuse.CUT, time.monotonic())
    await trouble.kill(worker)
    window.until_s = time.monotonic()


async def _kill_control(trouble: Trouble) -> None:
    """Customers must not notice: this excuses nothing."""
    await trouble.kill((await trouble.status())["control"]["pid"])


async def _restart_backend(trouble: Trouble) -> None:
    backend = trouble.random.choice(trouble.backends)
    window = trouble.ledger.open_window(Excuse.FAILED, time.monotonic())
    await asyncio.to_thread(backend.kill)
    await asyncio.sleep(_DOWN_S)
    await asyncio.to_thread(backend.start_again)
    window.until_s = time.monotonic()


async def _stop_backend(trouble: Trouble) -> None:
    """It stands still and goes on: every request waits and is answered."""
    pid = trouble.random.choice(trouble.backends).process.pid
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(_STOPPED_S)
    os.kill(pid, signal.SIGCONT)


async def _flip(trouble: Trouble) -> None:
    percent = trouble.random.randint(0, 100)
    trouble.figueira.routes.rename_over(trouble.good.replace("b: 50", f"b: {percent}"))


async def _flip_often(trouble: Trouble) -> None:
    """Faster than workers follow; each also replaces a pool of connections."""
    for number in range(20):
        text = trouble.good.replace("max_connections: 200", f"max_connections: {200 + number}")
        trouble.figueira.routes.write_in_place(text)
        await asyncio.sleep(_PAUSE_S)


async def _break_file(trouble: Trouble) -> None:
    trouble.figueira.routes.rename_over(trouble.good.replace("split:", "splitt:"))
    await asyncio.to_thread(trouble.figueira.wait_for_problems)
    trouble.figueira.routes.rename_over(trouble.good)
    await asyncio.to_thread(trouble.figueira.wait_for_good_file)


async def _remove_file(trouble: Trouble) -> None:
    trouble.figueira.routes.remove()
    await asyncio.to_thread(trouble.figueira.wait_for_problems)
    trouble.figueira.routes.rename_over(trouble.good)
    await asyncio.to_thread(trouble.figueira.wait_for_good_file)


async def _reload(trouble: Trouble) -> None:
    trouble.figueira.process.send(signal.SIGHUP)


FAULTS: tuple[Fault, ...] = (
    _kill_worker,
    _restart_backend,
    _flip,
    _stop_backend,
    _break_file,
    _reload,
    _flip_often,
    _restart_backend,
    _remove_file,
)
"""In turn, again and again."""
EARLY: tuple[Fault, ...] = (_kill_control, _kill_worker, _kill_control)
"""Before memory is watched: control must live long enough for that, too."""
NAMES: dict[Fault, str] = {
    _kill_worker: "kill -9 of a worker",
    _kill_control: "kill -9 of control",
    _restart_backend: "kill -9 of a backend, away for 0.7 s",
    _stop_backend: "a backend stands still for 1 s",
    _flip: "flip of routes.yaml",
    _flip_often: "20 changes of routes.yaml, 20 ms apart",
    _break_file: "routes.yaml broken and mended",
    _remove_file: "routes.yaml removed and put back",
    _reload: "SIGHUP",
}
