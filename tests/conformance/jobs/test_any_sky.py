"""Whatever clocks do: two processes on one real table, a provider that counts, and true time."""

from __future__ import annotations

import asyncio
import itertools
import random
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.contract import SIZES, Order
from image_service.database import Database, open_database
from image_service.jobs import states
from image_service.jobs.accepting import Acceptance, Submission, Taken
from image_service.jobs.admission import Room
from image_service.jobs.claims import Claims, Hand
from image_service.jobs.dispatch_table import TableDispatcher
from image_service.jobs.entries import Entry
from image_service.jobs.journal import Journal, Note
from image_service.jobs.reading import Reading
from image_service.jobs.states import Picture, StaleError, State
from image_service.jobs.watch import Watch
from image_service.ledger.budgets import Budgets
from image_service.shared_clock import Clocks, SharedClock
from image_service.tasks import Tasks
from image_service.writer import Writer

T = TypeVar("T")

_ORDER = Order(prompt="praia", size=SIZES["256x256"], product_id=None)
_PRICE = 200_000
_LEASE_S = 15.0
# How far a clock may be off without counting as set.
_SLACK_S = 4.0
_PICTURE = Picture(sha256="ab" * 32, painted_by="fake", cost=_PRICE)


@dataclass(slots=True)
class _World:
    """True time, and the wall clock as somebody has set it."""

    true_s: float = 0.0
    set_by_s: float = 1_800_000_000.0


class _Process:
    """One service, without its own rhythm."""

    def __init__(self, database: Database, world: _World, name: str, born_s: float) -> None:
        async def wall(_connection: AsyncConnection) -> float:
            return world.true_s + world.set_by_s

        # Machines were started at different times.
        clocks = Clocks(steady=lambda: world.true_s + born_s, wall=wall)
        self.clock = SharedClock(clocks)
        tasks = Tasks()
        writer = Writer(database, tasks, self.clock)
        journal = Journal(TableDispatcher())
        budgets = Budgets(customer=None, everybody=None, period="month")
        self.writer = writer
        self.journal = journal
        self.acceptance = Acceptance(
            writer=writer,
            dispatcher=TableDispatcher(),
            tasks=tasks,
            room=Room(total=1000, per_customer=1000),
            budgets=budgets,
            now=self.clock,
        )
        self.claims = Claims(
            database=database,
            writer=writer,
            journal=journal,
            watch=Watch(database, tasks),
            hand=Hand(
                owner=name,
                lease_s=_LEASE_S,
                clock=self.clock,
                draw=random.Random(1).random,
                price_of=lambda _: _PRICE,
                budgets=budgets,
            ),
        )


@dataclass(slots=True)
class _Taken:
    """An order as the customer knows it, in true time."""

    patience_s: float | None
    taken_s: float


@dataclass(slots=True)
class _Call:
    """A call on its way, and who has made it."""

    entry: Entry
    process: int


@dataclass(slots=True)
class _Books:
    orders: dict[str, _Taken] = field(default_factory=dict)
    calls: dict[str, _Call] = field(default_factory=dict)
    bought: Counter[str] = field(default_factory=Counter)


class Skies(RuleBasedStateMachine):
    """Two processes, customers, and somebody who sets the clock."""

    @initialize()
    def open(self) -> None:
        """Start both on an empty table."""
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory(prefix="figueira-skies-")
        path = Path(self.folder.name) / "images.db"
        self.database = open_database(make_url(f"sqlite+aiosqlite:///{path}"))
        self._run(self.database.prepare())
        self.world = _World()
        self.numbers = itertools.count()
        self.processes = [
            _Process(self.database, self.world, f"worker {number}", born_s=1000.0 * number)
            for number in range(2)
        ]
        for process in self.processes:
            self._run(process.clock.start(self.database))
        self.reading = Reading(self.database)
        self.books = _Books()

    def teardown(self) -> None:
        """Let go of the table."""
        if hasattr(self, "runner"):
            self._run(self.database.close())
            self.runner.close()
            self.folder.cleanup()

    def _run(self, work: Coroutine[object, object, T]) -> T:
        return self.runner.run(work)

    def _entry(self, job_id: str) -> Entry:
        entry = self._run(self.reading.job(job_id))
        assert entry is not None
        return entry

    def _tick(self) -> None:
        """Let every process do what it does every second."""
        for process in self.processes:
            self._run(process.claims.tell_time())
            self._run(process.claims.beat())
            self._run(process.claims.sweep())

    @rule(number=st.integers(0, 1), patience_s=st.none() | st.sampled_from([10.0, 60.0, 4000.0]))
    def order(self, number: int, patience_s: float | None) -> None:
        """A customer orders, perhaps with a deadline."""
        process = self.processes[number]
        now, name = process.clock(), f"job-{next(self.numbers)}"
        submission = Submission(
            job_id=name,
            now=now,
            customer="c:1",
            order=_ORDER,
            provider="fake",
            price=_PRICE,
            deadline_at=None if patience_s is None else now + patience_s,
        )
        answer = self._run(process.acceptance.submit(submission))
        assert isinstance(answer, Taken)
        self.books.orders[name] = _Taken(patience_s=patience_s, taken_s=self.world.true_s)

    @rule(seconds=st.sampled_from([1.0, 5.0, 20.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        """True time goes by, and everybody who lives says so in time."""
        until_s = self.world.true_s + seconds
        while self.world.true_s < until_s:
            self.world.true_s += min(_LEASE_S / 3, until_s - self.world.true_s)
            self._tick()

    @rule(by_s=st.sampled_from([-90_000.0, -3600.0, -30.0, -1.0, 1.0, 30.0, 3600.0, 300_000.0]))
    def somebody_sets_the_clock(self, by_s: float) -> None:
        """Nobody has noticed yet."""
        self.world.set_by_s += by_s

    @rule(number=st.integers(0, 1))
    def one_notices(self, number: int) -> None:
        """Whether it was set or not."""
        self._run(self.processes[number].claims.tell_time())

    @rule(number=st.integers(0, 1))
    def sweep(self, number: int) -> None:
        """Somebody looks for dead workers' jobs and passed deadlines, before any tick."""
        self._run(self.processes[number].claims.sweep())

    @rule(number=st.integers(0, 1), limit=st.integers(1, 3))
    def claim(self, number: int, limit: int) -> None:
        """A worker claims and calls: from here on the picture may be bought."""
        entries = self._run(self.processes[number].claims.claim_next("fake", limit=limit))
        for entry in entries:
            name = entry.job.job_id
            self.books.bought[name] += 1
            self.books.calls[name] = _Call(entry=entry, process=number)

    @precondition(lambda self: self.books.calls)
    @rule(data=st.data())
    def picture_comes(self, data: st.DataObject) -> None:
        """What a living worker brings is taken."""
        name = data.draw(st.sampled_from(sorted(self.books.calls)))
        call = self.books.calls.pop(name)
        process, fence = self.processes[call.process], call.entry.job.fence
        job_now = process.clock

        async def write(connection: AsyncConnection) -> Entry | None:
            return await process.journal.change(
                connection,
                name,
                lambda job: states.succeed(job, fence, _PICTURE, now=job_now()),
                Note(provider="fake"),
                now=job_now(),
            )

        try:
            self._run(process.writer.write(write))
        except StaleError as error:
            raise AssertionError(f"{name} was taken from a worker that lives") from error

    @precondition(lambda self: self.books.calls)
    @rule(number=st.integers(0, 1))
    def worker_dies(self, number: int) -> None:
        """In the middle of its calls, which nobody hears of any more; the other goes on."""
        other = self.processes[1 - number]
        for _ in range(5):
            self.world.true_s += _LEASE_S / 3
            self._run(other.claims.tell_time())
            self._run(other.claims.beat())
            self._run(other.claims.sweep())
        for name, call in list(self.books.calls.items()):
            if call.process == number:
                assert self._entry(name).job.is_final, f"{name} of a dead worker is held for ever"
                del self.books.calls[name]

    @invariant()
    def nothing_is_bought_twice(self) -> None:
        """However often the clock was set."""
        if hasattr(self, "books"):
            assert all(count <= 1 for count in self.books.bought.values())

    @invariant()
    def nobody_waits_longer_or_shorter_than_was_said(self) -> None:
        """An order expires after its deadline, and never before, in true time."""
        if not hasattr(self, "books"):
            return
        for name, order in self.books.orders.items():
            job = self._entry(name).job
            waited_s = self.world.true_s - order.taken_s
            if job.state is State.EXPIRED:
                assert order.patience_s is not None
                assert waited_s >= order.patience_s - _SLACK_S, f"{name} expired too soon"

    @rule()
    def everybody_looks(self) -> None:
        """After a tick nobody waits whose time is over, and everything has its way on."""
        self._tick()
        for name, order in self.books.orders.items():
            job = self._entry(name).job
            waited_s = self.world.true_s - order.taken_s
            if job.state is State.QUEUED and order.patience_s is not None:
                assert waited_s <= order.patience_s + _SLACK_S, f"{name} waits for ever"
            if job.state is State.QUEUED:
                assert job.available_at <= self.processes[0].clock() + _SLACK_S


TestSkies = Skies.TestCase
TestSkies.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
