"""Kill -9 at random points under load; the provider's own count of purchases is the judge."""

from __future__ import annotations

import asyncio
import random
from contextlib import ExitStack
from pathlib import Path

from image_service.settings import DEFAULT_CONCURRENCY
from tests.conformance.jobs.killing import Customers, crew, reckon, settings_for, statuses
from tests.support.fake_openai import FakeOpenAI

_ORDERS = 100
_KILLS = 3
# What a picture takes at the fake: long enough to be killed in.
_PAINTING_S = 0.15


async def test_a_killed_service_loses_no_order_and_buys_none_twice(
    sqlite_url: str, tmp_path: Path
) -> None:
    """One process on SQLite, which is the queue as well."""
    chance = random.Random(7)
    with FakeOpenAI(delay_s=_PAINTING_S) as fake, ExitStack() as stack:
        team = crew(stack, settings_for(sqlite_url, tmp_path, fake), tmp_path)
        [port] = team.serving
        team.start()
        customers = Customers(ports=[port], chance=chance)
        ordering = asyncio.gather(customers.order_all(_ORDERS))
        for _ in range(_KILLS):
            await asyncio.sleep(0.1 + chance.random() * 0.6)
            await asyncio.to_thread(team.kill, f"service {port}")
            await asyncio.to_thread(team.start_service, port)
        await ordering
        jobs = await customers.wait_for_all(port)
        assert reckon(jobs, fake.purchases()) == []
        assert len(jobs) == _ORDERS
        made = sum(job["status"] == "succeeded" for job in jobs.values())
        assert await statuses(team.serving[-1]) == {"pronta": made, "falhou": _ORDERS - made}
        assert (
            sum(job["status"] == "failed" for job in jobs.values()) <= _KILLS * DEFAULT_CONCURRENCY
        )


async def test_killed_workers_and_services_on_one_postgresql_lose_nothing_and_buy_once(
    postgres_url: str, tmp_path: Path
) -> None:
    """Two services that only take orders and two workers, told of jobs by PgQueuer."""
    chance = random.Random(11)
    with FakeOpenAI(delay_s=_PAINTING_S) as fake, ExitStack() as stack:
        settings = settings_for(postgres_url, tmp_path, fake) | {"IMAGE_WORKER": "off"}
        team = crew(stack, settings, tmp_path, services=2)
        team.start()
        workers = ["worker 1", "worker 2"]
        for name in workers:
            team.start_worker(name)
        customers = Customers(ports=team.serving, chance=chance)
        ordering = asyncio.gather(customers.order_all(_ORDERS))
        for _ in range(_KILLS):
            await asyncio.sleep(0.1 + chance.random() * 0.6)
            name = chance.choice(workers)
            await asyncio.to_thread(team.kill, name)
            await asyncio.to_thread(team.start_worker, name)
        victim = team.serving[0]
        await asyncio.to_thread(team.kill, f"service {victim}")
        await asyncio.to_thread(team.start_service, victim)
        await ordering
        jobs = await customers.wait_for_all(team.serving[1])
        assert reckon(jobs, fake.purchases()) == []
        assert len(jobs) == _ORDERS
        made = sum(job["status"] == "succeeded" for job in jobs.values())
        assert await statuses(team.serving[-1]) == {"pronta": made, "falhou": _ORDERS - made}
        assert (
            sum(job["status"] == "failed" for job in jobs.values()) <= _KILLS * DEFAULT_CONCURRENCY
        )
