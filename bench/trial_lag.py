"""How late a worker's event loop is, and its customers' answers, beside a bad candidate."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers.figueira import PYTHON
from bench.processes import HOST, PATIENCE_S, StartError, fetch, free_port, running

_ROOT = Path(__file__).resolve().parent.parent
WITHOUT = "no parallel run"
WAYS = (
    *("alike", "slow", "drips", "hangs", "dead", "resets", "floods", "floods-in-chunks"),
    *("floods-hints", "huge-head", "gzip-bomb", "picture-bomb", "deep", "page-bomb"),
    "endless-events",
)
"""Of `bench.bad_candidate`, those that take most of somebody's time."""
_CUSTOMERS = 4
_PAUSE_S = 0.01
"""Between a customer's requests: four hundred a second in all, a few per cent of a core."""
_SETTLE_S = 0.5
_ROUTES = """\
version: 1
backends:
  legacy: {{url: "http://127.0.0.1:{control}"}}
  candidate: {{url: "http://127.0.0.1:{candidate}", timeouts: {{first_byte: 2s, idle: 1s}}}}
routes:
  - {{name: all, match: {{path_prefix: /}}, backend: legacy{run}}}
{runs}"""
_RUNS = "parallel_runs: {r: {control: legacy, candidate: candidate}}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """What was seen beside one candidate."""

    way: str
    late_s: list[float]
    """How late a millisecond's timer of the worker's loop was, each time."""
    used_s: list[float]
    """CPU that the loop's thread used between two such timers."""
    answers_s: list[float]
    """How long customers waited."""


def measure(way: str, seconds: float) -> Lag:
    """Serve customers for so many seconds.

    Raises:
        StartError: A process did not come to serve, or a customer got another answer.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-trials-")))
        asked = way if way != WITHOUT else "alike"
        control, _ = stack.enter_context(_sides(asked))
        _, candidate = stack.enter_context(_sides(asked))
        ports = {"control": control, "candidate": free_port() if way == "dead" else candidate}
        run = "" if way == WITHOUT else ", parallel_run: r"
        routes = _ROUTES.format(**ports, run=run, runs=_RUNS if run else "")
        with _gateway(folder, routes) as port:
            time.sleep(_SETTLE_S)
            asyncio.run(_ask(port, asked, _SETTLE_S))
            began_s = time.monotonic()
            answers_s = asyncio.run(_ask(port, asked, seconds))
            ended_s = time.monotonic()
        lines = (folder / "lag.jsonl").read_text().splitlines()
    seen = [each for line in lines for each in json.loads(line) if began_s < each[0] < ended_s]
    late_s, used_s = [each[1] for each in seen], [each[2] for each in seen]
    return Lag(way=way, late_s=late_s, used_s=used_s, answers_s=answers_s)


@contextmanager
def _sides(way: str) -> Iterator[tuple[int, int]]:
    """Ports of the control and of the candidate, in a process of their own."""
    with subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-m", "bench.bad_candidate", way],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - the pipe was asked for
        try:
            control, candidate = json.loads(process.stdout.readline())
            yield control, candidate
        finally:
            process.kill()


@contextmanager
def _gateway(folder: Path, routes: str) -> Iterator[int]:
    (folder / "etc").mkdir()
    (folder / "etc" / "routes.yaml").write_text(routes)
    port = free_port()
    environment = {
        "FIGUEIRA_CONFIG": str(folder / "etc" / "routes.yaml"),
        "FIGUEIRA_PORT": str(port),
        "FIGUEIRA_ADMIN_PORT": str(free_port()),
        "FIGUEIRA_WORKERS": "1",
        "FIGUEIRA_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/figueira.db",
        "FIGUEIRA_ACCESS_LOG": str(folder / "access.log"),
        "BENCH_LAG_FILE": str(folder / "lag.jsonl"),
        "PYTHONPATH": str(_ROOT),
    }
    command = [str(PYTHON), "-P", "-m", "bench.probed_gateway", "serve"]
    with running(command, folder, environment) as process:
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s and process.poll() is None:
            try:
                fetch(port, "/ready")
            except OSError:
                time.sleep(_SETTLE_S / 5)
            else:
                yield port
                return
        said = (folder / "output.log").read_text(errors="replace").strip()[-300:]
        raise StartError(f"the gateway did not serve on {HOST}:{port}: {said}")


async def _ask(port: int, way: str, seconds: float) -> list[float]:
    until_s, took_s = time.monotonic() + seconds, list[float]()
    request = f"GET /{way}/plain HTTP/1.1\r\nHost: shop.example\r\n\r\n".encode()

    async def customer() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        while time.monotonic() < until_s:
            began_s = time.monotonic()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            took_s.append(time.monotonic() - began_s)
            if not head.startswith(b"HTTP/1.1 200 Tudo Bem\r\n"):
                raise StartError(f"a customer was answered {head[:60]!r}")
            await asyncio.sleep(_PAUSE_S)
        writer.close()

    await asyncio.gather(*(customer() for _ in range(_CUSTOMERS)))
    return took_s
