"""Customers who order from services that are killed under their hands, and the reckoning."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.fake_openai import FakeOpenAI
from tests.support.processes import Process, environment, free_port, running

FINAL = {"succeeded", "failed", "canceled", "expired"}
LEASE_S = 1
_PATIENCE_S = 60.0
_PAUSE_S = 0.05


@dataclass(slots=True)
class Crew:
    """Services and workers on one database, each of which can be killed and started again."""

    settings: Mapping[str, str]
    folder: Path
    stack: ExitStack
    serving: list[int]
    processes: dict[str, Process] = field(default_factory=dict)

    def start(self) -> None:
        """Start every service."""
        for port in self.serving:
            self.start_service(port)

    def start_service(self, port: int) -> None:
        """Start one, and wait until it is ready."""
        self._start(f"service {port}", "serve", "--host", "127.0.0.1", "--port", str(port))
        self.processes[f"service {port}"].wait_until_it_answers(f"http://127.0.0.1:{port}/readyz")

    def start_worker(self, name: str) -> None:
        """Start a process that only works."""
        self._start(name, "worker")
        self.processes[name].wait_for_line("image_service: working")

    def kill(self, name: str) -> None:
        """Kill -9."""
        self.processes[name].kill()

    def _start(self, name: str, *arguments: str) -> None:
        command = [sys.executable, "-c", "from image_service.cli import main; main()", *arguments]
        environ = environment(**self.settings)
        self.processes[name] = self.stack.enter_context(
            running(command, folder=self.folder, environ=environ)
        )


def settings_for(database_url: str, folder: Path, fake: FakeOpenAI) -> dict[str, str]:
    """Settings of a service that buys from the fake."""
    return {
        "IMAGE_DATABASE_URL": database_url,
        "IMAGE_BLOB_URL": str(folder / "blobs"),
        "IMAGE_PROVIDER": "openai",
        "IMAGE_MODEL": "gpt-image-2",
        "IMAGE_LEASE_S": str(LEASE_S),
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": fake.url,
    }


def crew(stack: ExitStack, settings: Mapping[str, str], folder: Path, *, services: int = 1) -> Crew:
    """Services that are not started yet, on ports of their own."""
    ports: list[int] = []
    while len(ports) < services:
        port = free_port()
        if port not in ports:
            ports.append(port)
    return Crew(settings=settings, folder=folder, stack=stack, serving=ports)


@dataclass(slots=True)
class Customers:
    """Order pictures under keys of their own, and insist until somebody takes the order."""

    ports: Sequence[int]
    chance: random.Random
    taken: dict[str, str] = field(default_factory=dict)
    """Marker -> where the job is asked for; in the moment in which the service said 202."""

    async def order_all(self, count: int) -> None:
        """Place so many orders, ten at a time."""
        turns = asyncio.Semaphore(10)
        async with httpx.AsyncClient(timeout=5) as client:
            await asyncio.gather(*(self._order(client, turns, f"order-{n}") for n in range(count)))

    async def _order(
        self, client: httpx.AsyncClient, turns: asyncio.Semaphore, marker: str
    ) -> None:
        async with turns, asyncio.timeout(_PATIENCE_S):
            while marker not in self.taken:
                # Spread, so that kills meet orders at every point of their way.
                await asyncio.sleep(self.chance.random() * _PAUSE_S)
                url = f"http://127.0.0.1:{self.chance.choice(self.ports)}/images"
                headers = {"Prefer": "respond-async", "Idempotency-Key": f'"{marker}"'}
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.post(
                        url,
                        json={"prompt": f"praia marker={marker}", "size": "256x256"},
                        headers=headers | {"X-Customer-Id": f"customer-{hash(marker) % 5}"},
                    )
                    assert answer.status_code == 202, answer.text
                    self.taken[marker] = answer.headers["location"]

    async def wait_for_all(self, port: int) -> dict[str, dict[str, object]]:
        """Ask one service until every order is finished; return the jobs by marker."""
        finished: dict[str, dict[str, object]] = {}
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client,
            asyncio.timeout(_PATIENCE_S),
        ):
            while len(finished) < len(self.taken):
                for marker, location in self.taken.items():
                    if marker in finished:
                        continue
                    answer = await client.get(location, headers={"Prefer": "wait=1"})
                    assert answer.status_code == 200, f"{marker} is lost: {answer.text}"
                    if answer.json()["status"] in FINAL:
                        finished[marker] = answer.json()
        return finished


async def statuses(port: int) -> Counter[str]:
    """Count the shop's images by status."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        return Counter(image["status"] for image in (await client.get("/images")).json())


def reckon(jobs: Mapping[str, Mapping[str, object]], purchases: Mapping[str, int]) -> list[str]:
    """Return what is wrong: orders bought twice, pictures without a purchase, odd failures."""
    wrong = [
        f"{marker} was bought {count} times" for marker, count in purchases.items() if count > 1
    ]
    wrong += [f"{marker} was bought and never taken" for marker in purchases.keys() - jobs.keys()]
    for marker, job in jobs.items():
        if job["status"] == "succeeded":
            if purchases.get(marker) != 1:
                wrong.append(f"{marker} has a picture that nobody bought")
            continue
        problem = job.get("problem")
        code = problem.get("code") if isinstance(problem, dict) else None
        if job["status"] != "failed" or code != "outcome-unknown":
            wrong.append(f"{marker} ended as {job['status']} ({code})")
    return wrong
