"""Kill -9 at random points under load, where each process both takes and makes, or only makes."""

from __future__ import annotations

import asyncio
import random
from contextlib import ExitStack
from pathlib import Path

from tests.conformance.jobs.killing import Crew, Customers, crew, reckon, settings_for, statuses
from tests.support.fake_openai import FakeOpenAI

_ORDERS = 60
_KILLS = 4
_PAINTING_S = 0.15


async def _reckoned(
    team: Crew, customers: Customers, fake: FakeOpenAI, *, port: int
) -> dict[str, dict[str, object]]:
    """Wait for every order; no acknowledged one is lost, and none is bought twice."""
    jobs = await customers.wait_for_all(port)
    assert reckon(jobs, fake.purchases()) == []
    assert len(jobs) == _ORDERS
    made = sum(job["status"] == "succeeded" for job in jobs.values())
    assert await statuses(team.serving[-1]) == {"pronta": made, "falhou": _ORDERS - made}
    return jobs


async def test_killed_workers_on_sqlite_lose_nothing_and_buy_once(
    sqlite_url: str, tmp_path: Path
) -> None:
    """One service that only takes orders, and two workers on the same file."""
    chance = random.Random(23)
    with FakeOpenAI(delay_s=_PAINTING_S) as fake, ExitStack() as stack:
        settings = settings_for(sqlite_url, tmp_path, fake) | {"IMAGE_WORKER": "off"}
        team = crew(stack, settings | {"IMAGE_CONCURRENCY": "4"}, tmp_path)
        team.start()
        workers = ["worker 1", "worker 2"]
        for name in workers:
            team.start_worker(name)
        customers = Customers(ports=team.serving, chance=chance)
        ordering = asyncio.gather(customers.order_all(_ORDERS))
        for _ in range(_KILLS):
            await asyncio.sleep(0.1 + chance.random() * 0.5)
            name = chance.choice(workers)
            await asyncio.to_thread(team.kill, name)
            await asyncio.to_thread(team.start_worker, name)
        await ordering
        await _reckoned(team, customers, fake, port=team.serving[0])


async def test_two_services_on_one_postgresql_that_are_killed_in_turn_lose_nothing(
    postgres_url: str, tmp_path: Path
) -> None:
    """Both take orders and make pictures; the other one goes on with what the dead one left."""
    chance = random.Random(29)
    with FakeOpenAI(delay_s=_PAINTING_S) as fake, ExitStack() as stack:
        settings = settings_for(postgres_url, tmp_path, fake) | {"IMAGE_CONCURRENCY": "4"}
        team = crew(stack, settings, tmp_path, services=2)
        team.start()
        customers = Customers(ports=team.serving, chance=chance)
        ordering = asyncio.gather(customers.order_all(_ORDERS))
        for number in range(_KILLS):
            await asyncio.sleep(0.1 + chance.random() * 0.5)
            victim = team.serving[number % 2]
            await asyncio.to_thread(team.kill, f"service {victim}")
            await asyncio.to_thread(team.start_service, victim)
        await ordering
        await _reckoned(team, customers, fake, port=team.serving[0])
