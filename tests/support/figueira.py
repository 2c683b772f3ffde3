"""``figueira serve`` as a real process: its two ports, its file, its logs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.polling import eventually
from tests.support.processes import Process, environment, running
from tests.support.routes_file import RoutesFile, Way

COMMAND = (sys.executable, "-m", "gateway")
WORKERS = 2
_STARTED = r".* started customers=(https?://127\.0\.0\.1:\d+) admin=(http://127\.0\.0\.1:\d+) .*"
_FAULTS = ("Traceback", "Exception in", "Error:", "Warning:", "never awaited", "task_failed")
"""What no line of a healthy gateway's log holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A change of routes.yaml that every worker has taken in."""

    revision: int
    latency_s: float
    """From the moment the file was changed until all workers said so on the admin port."""


class Figueira:
    """A running gateway."""

    def __init__(self, process: Process, routes: RoutesFile, access_log: Path) -> None:
        self.process = process
        self.routes = routes
        self.access_log = access_log
        started = process.wait_for_line(_STARTED)
        self.url, admin_url = started[1], started[2]
        self.port = int(self.url.rpartition(":")[2])
        self.admin = httpx.Client(base_url=admin_url, timeout=5, trust_env=False)
        self.wait_until_whole()

    def status(self) -> dict[str, Any]:
        """What ``/api/status`` says."""
        answer = self.admin.get("/api/status")
        assert answer.status_code == 200
        status: dict[str, Any] = answer.json()
        return status

    def try_status(self) -> dict[str, Any] | None:
        """The same; None while control is being replaced."""
        try:
            return self.status()
        except httpx.TransportError:
            return None

    def ready(self) -> int:
        """The status that ``/readyz`` answers."""
        return self.admin.get("/readyz").status_code

    def wait_until_whole(self, *, without: Sequence[int] = ()) -> dict[str, Any]:
        """Wait until control and every worker are there and of one revision; return the status.

        Args:
            without: Process ids that must not be among them (those that were killed).
        """

        def look() -> dict[str, Any] | None:
            status = self.try_status()
            return status if status and _is_whole(status, without) else None

        return eventually(look, f"a whole gateway without {list(without)}")

    def change(self, way: Way, text: str) -> Flip:
        """Change the file's content, and wait until every worker routes by it."""
        before = self.status()["revision"]["number"]
        began_s = time.monotonic()
        way(self.routes, text)
        status = eventually(lambda: self._at_revision_after(before), "the flip")
        return Flip(revision=status["revision"]["number"], latency_s=time.monotonic() - began_s)

    def flip(self, percent: int, way: Way = RoutesFile.rename_over) -> Flip:
        """Send `percent` of new images to the image service."""
        return self.change(way, self.routes.flipped(percent))

    def wait_until_routing(self, percent: int) -> None:
        """Wait until all are there, and every worker sends `percent` to the image service."""

        def look() -> bool:
            status = self.try_status()
            weights = status["routes"][0]["backends"] if status else {}
            return weights.get("image_service") == percent and _is_whole(status or {}, ())

        eventually(look, f"{percent} percent")

    def _at_revision_after(self, number: int) -> dict[str, Any] | None:
        status = self.try_status()
        if status and status["revision"]["number"] > number and _is_whole(status, ()):
            return status
        return None

    def wait_for_problems(self, *, within_s: float = 10.0) -> list[dict[str, Any]]:
        """Wait until the file is refused; return its problems as the admin port tells them."""
        problems: list[dict[str, Any]] = eventually(
            lambda: self.status()["config"]["problems"], "a refused file", patience_s=within_s
        )
        return problems

    def wait_for_good_file(self) -> dict[str, Any]:
        """Wait until the file as it is now is in use; return the status."""

        def look() -> dict[str, Any] | None:
            status = self.status()
            return status if status["config"]["ok"] else None

        return eventually(look, "a file without problems")

    def events(self, name: str) -> list[str]:
        """The log's lines about one event."""
        return [line for line in self.process.stderr if f": {name} " in line]

    def access_lines(self) -> list[dict[str, Any]]:
        """Every access line so far; each must be one JSON object."""
        return [json.loads(line) for line in self.access_log.read_text().splitlines()]

    def samples(self) -> dict[str, float]:
        """What ``/metrics`` says: ``name{label="value",...}`` with labels in order -> value."""
        text = self.admin.get("/metrics").text
        return {
            _sample_name(sample.name, sample.labels): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def total(self, metric: str) -> float:
        """The sum of a metric's samples."""
        return sum(
            value for name, value in self.samples().items() if name.partition("{")[0] == metric
        )

    def answered(self) -> float:
        """How many requests the metrics count, refused ones included."""
        return self.total("figueira_requests_total") + self.total("figueira_refused_total")

    def kill(self, pid: int) -> None:
        """Kill one of its processes, without a chance to say anything."""
        os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        """Stop it as an operator does; return the exit code."""
        return self.process.stop()


def _is_whole(status: dict[str, Any], without: Sequence[int]) -> bool:
    workers = status["workers"]
    pids = [status["control"]["pid"], *(worker["pid"] for worker in workers)]
    return (
        len(workers) == WORKERS
        and all(worker["alive"] for worker in workers)
        and all(worker["revision"] == status["revision"]["number"] for worker in workers)
        and not set(pids) & set(without)
    )


def _sample_name(name: str, labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{key}="{labels[key]}"' for key in sorted(labels))
    return f"{name}{{{inside}}}" if inside else name


def pids_of(status: Mapping[str, Any]) -> list[int]:
    """The ids of control and the workers."""
    return [status["control"]["pid"], *(worker["pid"] for worker in status["workers"])]


def settings_of(folder: Path, config: Path, **more: str) -> dict[str, str]:
    """An environment that keeps a gateway inside a folder and on free ports."""
    settings = {
        "FIGUEIRA_CONFIG": str(config),
        "FIGUEIRA_PORT": "0",
        "FIGUEIRA_ADMIN_PORT": "0",
        "FIGUEIRA_WORKERS": str(WORKERS),
        "FIGUEIRA_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/state/figueira.db",
        "FIGUEIRA_ACCESS_LOG": f"{folder}/access.log",
    }
    return environment(**(settings | more))


@contextmanager
def serving(
    folder: Path, text: str | None = None, *, prefix: Sequence[str] = (), **settings: str
) -> Iterator[Figueira]:
    """Run a gateway; in the end it must have said nothing of a fault.

    Args:
        folder: An empty folder for all that it reads and writes.
        text: Its routes.yaml; None means the shipped one.
        prefix: Put before the command, to start it in an unusual way.
        settings: More environment variables.
    """
    config = folder / "config"
    config.mkdir()
    routes = RoutesFile(config / "routes.yaml", text)
    environ = settings_of(folder, routes.path, **settings)
    command = [*prefix, *COMMAND, "serve"]
    with running(command, folder=folder, environ=environ) as process:
        figueira = Figueira(process, routes, folder / "access.log")
        with closing(figueira.admin):
            yield figueira
            if not process.has_ended:
                process.stop()
        for line in process.stderr:
            assert not any(fault in line for fault in _FAULTS), process.describe(line)


def run(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a verb of the command to its end."""
    return subprocess.run(  # noqa: S603 - our own program, no shell
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
