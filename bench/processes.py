"""The processes of a measurement: started here, always ended here."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

from bench.cases import CUSTOMER_HEADER, KIB, LoadPlan, target
from bench.load import LoadResult
from bench.origin import NAMES

HOST = "127.0.0.1"
PATIENCE_S = 20.0
"""For a process to serve, and to end."""
_PAUSE_S = 0.05
_LOG_TAIL_BYTES = 2000
_CUSTOMERS = 16
"""All on one side, once in 32,768 proxies that split rightly; their names are always the same."""
_ROOT = Path(__file__).resolve().parent.parent


class StartError(Exception):
    """A process did not come to serve; the message says why."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server with its output in ``folder/output.log``; end it and all its group."""
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - commands of our own, no shell
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)


def wait_until_serving(process: subprocess.Popen[bytes], folder: Path, port: int) -> None:
    """Ask a proxy until it passes the origin's answer on.

    Raises:
        StartError: It ended, or never did.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    found = "no answer"
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            status, body, _ = fetch(port, target(0, KIB))
        except (OSError, http.client.HTTPException) as error:
            found = str(error)
        else:
            found = f"status {status} with {len(body)} bytes"
            if status == http.HTTPStatus.OK and len(body) == KIB:
                return
        time.sleep(_PAUSE_S)
    said = (folder / "output.log").read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
    last = said.strip().splitlines()[-1:] or ["it said nothing"]
    code = process.poll()
    state = "did not serve" if code is None else f"ended with {code}"
    raise StartError(f"{state} ({found}): {last[0][:300]}")


def check_sticky(port: int, routes: int) -> None:
    """See that a proxy keeps every customer on one side, and that both sides have customers.

    Raises:
        StartError: It does not.
    """
    sides: dict[int, str] = {}
    for customer in [*range(_CUSTOMERS)] * 2:
        headers = {CUSTOMER_HEADER: f"customer-{customer}"}
        _, _, side = fetch(port, target(customer % routes, KIB), headers)
        if sides.setdefault(customer, side) != side:
            raise StartError(f"customer {customer} is not kept on one side")
    if set(sides.values()) != set(NAMES):
        raise StartError(f"{_CUSTOMERS} customers went to {sorted(set(sides.values()))}")


def fetch(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes, str]:
    """GET once; return status, body, and which origin answered (empty if none says so)."""
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=10)) as connection:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("X-Origin", "")


class RunningOrigin:
    """The origin's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid
        self.ports: dict[str, int] = dict(
            zip(NAMES, json.loads(_line(process.stdout)), strict=True)
        )
        """Name -> where it listens."""

    def accepted(self) -> int:
        """How many connections it has accepted so far."""
        _tell(self._process)
        return int(_line(self._process.stdout))


@contextmanager
def running_origin() -> Iterator[RunningOrigin]:
    """Run the origin."""
    with _python("bench.origin") as process:
        yield RunningOrigin(process)


class Load:
    """A warmed-up load generator, ready to go."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def go(self) -> LoadResult:
        """Run the plan."""
        _tell(self._process)
        return LoadResult(**json.loads(_line(self._process.stdout)))


@contextmanager
def loading(plan: LoadPlan) -> Iterator[Load]:
    """Start a load generator and let it warm the proxy up."""
    with _python("bench.load", json.dumps(asdict(plan))) as process:
        _line(process.stdout)
        yield Load(process)


@contextmanager
def _python(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-m", module, *arguments],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _tell(process: subprocess.Popen[str]) -> None:
    """Write a line, whatever it says, to a process that waits for one."""
    assert process.stdin is not None  # noqa: S101 - `_python` asks for the pipe
    process.stdin.write("go\n")
    process.stdin.flush()


def _line(stream: IO[str] | None) -> str:
    line = stream.readline() if stream else ""
    if not line:
        raise StartError("a process of the bench itself ended; its words are above")
    return line
