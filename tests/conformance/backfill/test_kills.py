"""The import is killed again and again while the monolith's customers go on; nothing is lost."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from tests.conformance.backfill.world import World, assert_same_answers, order
from tests.support.processes import free_port

pytestmark = pytest.mark.e2e

_KILLS = 8
_LONGEST_LIFE_S = 1.6
_FOLLOW_PATIENCE_S = 20.0


@dataclass(slots=True)
class Customers:
    """Order, delete, and have rows corrected, deleted and made anew by a script."""

    world: World
    shop: str
    chance: random.Random
    enough: threading.Event = field(default_factory=threading.Event)
    ids: list[int] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let them work until the block ends."""
        threads = [threading.Thread(target=work) for work in (self._customer, self._script)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.enough.set()
            for thread in threads:
                thread.join()

    def _customer(self) -> None:
        while not self.enough.is_set():
            self.ids.append(order(self.shop, f"praia {len(self.ids)}"))
            if self.chance.random() < 0.2:
                httpx.delete(f"{self.shop}/images/{self.chance.choice(self.ids)}")

    def _script(self) -> None:
        while not self.enough.wait(0.05):
            image_id = self.chance.choice(self.ids or [1])
            if self.chance.random() < 0.5:
                change = "UPDATE image SET prompt = prompt || '!' WHERE id = :id"
                self.world.script(change, id=image_id)
            else:
                self.world.script(
                    "DELETE FROM image WHERE id = :id",
                    "INSERT INTO image (id, prompt, size, status) "
                    "VALUES (:id, 'anew', '256x256', 'pendente')",
                    id=image_id,
                )


def test_killed_at_any_point_under_load_it_misses_nothing_and_doubles_nothing(
    world: World,
) -> None:
    chance = random.Random(20261124)
    with world.monolith(LEGACY_CHANGES="off") as (shop, _):
        for n in range(10):
            order(shop, f"old {n}")
    with world.monolith() as (shop, feed):
        customers = Customers(world, shop, chance, ids=[*range(1, 11)])
        with customers.at_work():
            for _ in range(_KILLS):
                with world.following(feed) as process:
                    # Anywhere between its imports and the middle of a page.
                    process_life_s = 0.4 + chance.random() * (_LONGEST_LIFE_S - 0.4)
                    threading.Event().wait(process_life_s)
                    process.send(signal.SIGKILL)
                    process.wait()
            under_load = world.bring(feed, "--verify")
            assert under_load.returncode == 0, f"{under_load.stdout}{under_load.stderr}"
        world.verified(feed)
        with world.service() as service:
            assert_same_answers(shop, service, range(max(customers.ids) + 2))


def test_two_imports_at_once_share_the_work_and_a_signal_ends_one(world: World) -> None:
    with world.monolith() as (shop, feed), world.service() as service:
        with world.following(feed) as first, world.following(feed) as second:
            for n in range(5):
                order(shop, f"praia {n}")
            _await_id(service, 5)
            assert second.stop(signal.SIGTERM) == 0
            assert "stopped; the next import goes on from here" in second.stdout
            assert order(shop, "serra") == 6
            _await_id(service, 6)
            assert first.stop(signal.SIGINT) == 0
        world.verified(feed)
        assert_same_answers(shop, service, range(8))


def test_a_monolith_that_goes_away_is_waited_for(sqlite_world: World) -> None:
    port = str(free_port())
    with ExitStack() as stack:
        service = stack.enter_context(sqlite_world.service())
        with sqlite_world.monolith(LEGACY_CHANGES_PORT=port) as (shop, feed):
            order(shop, "praia")
            process = stack.enter_context(sqlite_world.following(feed))
            _await_id(service, 1)
        process.wait_for_line(".*import_waits.*")
        with sqlite_world.monolith(LEGACY_CHANGES_PORT=port) as (shop, _):
            order(shop, "serra")
            _await_id(service, 2)


def _await_id(service: str, image_id: int) -> None:
    deadline_s = time.monotonic() + _FOLLOW_PATIENCE_S
    while httpx.get(f"{service}/backfill/watermark").json()["id"] < image_id:
        assert time.monotonic() < deadline_s, "the import does not come"
        threading.Event().wait(0.05)
