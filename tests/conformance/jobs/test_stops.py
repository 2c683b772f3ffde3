"""SIGTERM and kill -9 while customers wait, listen and are in the line; real processes, a judge."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.conformance.jobs.killing import Crew, crew, settings_for
from tests.support.fake_openai import FakeOpenAI

_RUNNING = 4
_QUEUED = 4
_MARKERS = [f"order-{number}" for number in range(_RUNNING + _QUEUED)]
_PATIENCE_S = 30.0


@dataclass(slots=True)
class _Shop:
    """Customers of one service, which may go away under them."""

    port: int
    jobs: dict[str, str] = field(default_factory=dict)
    """Marker -> where the job is."""
    sent: int = 0
    """Requests of those who wait for something."""

    async def _trace(self, event: str, _info: object) -> None:
        self.sent += event == "http11.send_request_headers.complete"

    async def wait_until_all_wait(self) -> None:
        """Until each has asked, and the service has had a few turns to read that."""
        async with asyncio.timeout(_PATIENCE_S), self.client() as client:
            while self.sent < 2 * len(_MARKERS) + 1:
                await client.get("/livez")
            for _ in range(10):
                await client.get("/livez")

    def client(self) -> httpx.AsyncClient:
        base_url = f"http://127.0.0.1:{self.port}"
        return httpx.AsyncClient(base_url=base_url, timeout=_PATIENCE_S)

    async def place_all(self) -> None:
        """Order everything, each under its key, and ask for where the jobs are."""
        async with self.client() as client:
            for marker in _MARKERS:
                answer = await client.post(
                    "/images", json=_order(marker), headers=_key(marker) | _ASYNC
                )
                assert answer.status_code == 202
                self.jobs[marker] = answer.headers["location"]

    async def wait_for_calls(self, fake: FakeOpenAI, count: int) -> None:
        """Until so many orders are being made."""
        async with asyncio.timeout(_PATIENCE_S), self.client() as client:
            while len(fake.received()) < count:
                await client.get("/livez")

    async def hold(self, marker: str) -> int:
        """Wait for the picture, as the monolith's customers do; 0 when the connection breaks."""
        try:
            async with self.client() as client:
                headers = _key(marker) | {"Prefer": "wait=30"}
                told = {"trace": self._trace}
                answer = await client.get(self.jobs[marker], headers=headers, extensions=told)
                return answer.status_code
        except httpx.TransportError:
            return 0

    async def order_and_hold(self, marker: str) -> httpx.Response | None:
        """Order without a word about jobs; None when the connection breaks."""
        try:
            async with self.client() as client:
                return await client.post(
                    "/images",
                    json=_order(marker),
                    headers=_key(marker),
                    extensions={"trace": self._trace},
                )
        except httpx.TransportError:
            return None

    async def insist(self, marker: str) -> int:
        """Order again under the same key until it is not being made any more (409)."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                answer = await self.order_and_hold(marker)
                if answer is not None and answer.status_code != 409:
                    return answer.status_code

    async def listen(self, marker: str, after: int = 0) -> tuple[int, bool]:
        """Follow a job's events; return the last one's number, and whether it was the end."""
        last, is_end = after, False
        try:
            async with (
                self.client() as client,
                client.stream(
                    "GET",
                    f"{self.jobs[marker]}/events",
                    headers={"Last-Event-ID": str(after)},
                    extensions={"trace": self._trace},
                ) as answer,
            ):
                async for line in answer.aiter_lines():
                    if line.startswith("id: "):
                        last = int(line.removeprefix("id: "))
                    is_end = is_end or line == "event: completed"
        except httpx.TransportError:
            pass
        return last, is_end

    async def ends(self) -> Counter[str]:
        """Wait until every order is finished; count how, by state and code."""
        found: Counter[str] = Counter()
        async with self.client() as client, asyncio.timeout(2 * _PATIENCE_S):
            for path in self.jobs.values():
                while True:
                    said = (await client.get(path, headers={"Prefer": "wait=5"})).json()
                    if said["status"] not in {"queued", "running"}:
                        break
                found[said.get("problem", {}).get("code", said["status"])] += 1
        return found


_ASYNC = {"Prefer": "respond-async"}


def _order(marker: str) -> dict[str, str]:
    return {"prompt": f"praia marker={marker}", "size": "256x256"}


def _key(marker: str) -> dict[str, str]:
    return {"Idempotency-Key": f'"{marker}"', "X-Customer-Id": "c-1"}


def _team(stack: ExitStack, url: str, folder: Path, fake: FakeOpenAI) -> Crew:
    settings = settings_for(url, folder, fake) | {"IMAGE_CONCURRENCY": str(_RUNNING)}
    return crew(stack, settings, folder)


async def _ended(team: Crew, port: int, number: signal.Signals) -> int:
    process = team.processes[f"service {port}"]
    if number is signal.SIGKILL:
        await asyncio.to_thread(process.kill)
        return -number
    return await asyncio.to_thread(process.stop, number)


@pytest.mark.parametrize(
    "painting_s", [pytest.param(4.0, id="that are done in time"), pytest.param(30.0, id="too slow")]
)
async def test_a_service_that_is_told_to_stop_answers_everybody(
    database_url: str, tmp_path: Path, painting_s: float
) -> None:
    """Who waits is answered, streams end, the process says 0; the next one makes what waits."""
    with FakeOpenAI(delay_s=painting_s) as fake, ExitStack() as stack:
        team = _team(stack, database_url, tmp_path, fake)
        [port] = team.serving
        team.start()
        shop = _Shop(port)
        await shop.place_all()
        await shop.wait_for_calls(fake, _RUNNING)
        waiting = asyncio.gather(*(shop.hold(marker) for marker in _MARKERS))
        listening = asyncio.gather(*(shop.listen(marker) for marker in _MARKERS))
        late = asyncio.gather(shop.order_and_hold("late"))
        await shop.wait_until_all_wait()
        assert await _ended(team, port, signal.SIGTERM) == 0
        statuses, heard, [refused] = await waiting, await listening, await late
        assert statuses == [200] * len(_MARKERS)
        assert refused is not None
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert [is_end for _, is_end in heard] == [True] * _RUNNING + [False] * _QUEUED
        bought = set(fake.purchases())
        assert len(bought) == _RUNNING
        fake._book.delay_s = 0.1
        team.start_service(port)
        expected = {"succeeded": _QUEUED, "outcome-unknown": _RUNNING}
        if painting_s < 7:
            expected = {"succeeded": _QUEUED + _RUNNING}
        assert await shop.ends() == expected
        assert await shop.insist("late") == 200
        assert max(fake.purchases().values()) == 1
        assert len(fake.purchases()) == len(_MARKERS) + 1


async def test_a_service_that_is_killed_under_its_customers_owes_nobody_anything(
    database_url: str, tmp_path: Path
) -> None:
    """Waiters and listeners come back with their keys and numbers, and nothing is bought twice."""
    with FakeOpenAI(delay_s=3.0) as fake, ExitStack() as stack:
        team = _team(stack, database_url, tmp_path, fake)
        [port] = team.serving
        team.start()
        shop = _Shop(port)
        await shop.place_all()
        await shop.wait_for_calls(fake, _RUNNING)
        waiting = asyncio.gather(*(shop.hold(marker) for marker in _MARKERS))
        listening = asyncio.gather(*(shop.listen(marker) for marker in _MARKERS))
        late = asyncio.gather(shop.order_and_hold("late"))
        await shop.wait_until_all_wait()
        await _ended(team, port, signal.SIGKILL)
        assert await waiting == [0] * len(_MARKERS)
        [lost] = await late
        assert lost is None
        heard = await listening
        assert all(not is_end for _, is_end in heard)
        fake._book.delay_s = 0.1
        team.start_service(port)
        resumed = await asyncio.gather(
            *(
                shop.listen(marker, after)
                for marker, (after, _) in zip(_MARKERS, heard, strict=True)
            )
        )
        assert all(is_end for _, is_end in resumed)
        assert all(last > after for (last, _), (after, _) in zip(resumed, heard, strict=True))
        assert await shop.ends() == {"succeeded": _QUEUED, "outcome-unknown": _RUNNING}
        assert await shop.insist("late") == 200
        assert max(fake.purchases().values()) == 1
        assert len(fake.purchases()) == len(_MARKERS) + 1
