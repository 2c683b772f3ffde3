"""Carries jobs out: claims them, paints, settles; keeps its leases."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from image_service import request_ids
from image_service.jobs import states
from image_service.jobs.claims import Claims
from image_service.jobs.dispatch import Dispatcher
from image_service.jobs.entries import Entry
from image_service.jobs.journal import Decide, Note
from image_service.jobs.keeping import Keeping
from image_service.jobs.painting import Bought, Painter
from image_service.jobs.settling import SETTLE_PAUSE_S, Settling
from image_service.jobs.states import Failure, Job
from image_service.jobs.tries import Tries
from image_service.tasks import Tasks

T = TypeVar("T")

_LOG = logging.getLogger("image_service.jobs.engine")

# How late a cancel from another process is noticed, and a dead worker's job.
_TICK_S = 1.0
# A dispatcher takes milliseconds, and a second or two when its connection has to be made anew.
_FORGOTTEN_AFTER_S = 5.0
# How soon it is noticed that a provider may be asked again.
_REST_LOOK_S = 0.5
# A provider sends three partial pictures at most; the last step is the picture itself.
_STEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How a worker works.

    Attributes:
        concurrency: How many pictures are made at once.
        lease_s: After this long without a sign of life its jobs are taken over.
        most_attempts: How many calls a job may take that buy nothing.
    """

    concurrency: int
    lease_s: float
    most_attempts: int


@dataclass(slots=True)
class _Running:
    fence: int
    task: asyncio.Task[None]
    # From here on there is nothing left to break off.
    is_settling: bool = False

    def break_off(self) -> None:
        if not self.is_settling:
            self.task.cancel()


class Engine:
    """A worker, in the sense of ``dispatch.Worker``."""

    def __init__(
        self,
        *,
        claims: Claims,
        painter: Painter,
        settling: Settling,
        keeping: Keeping,
        effort: Effort,
    ) -> None:
        self._claims = claims
        self._painter = painter
        self._settling = settling
        self._keeping = keeping
        self._effort = effort
        self._tasks = Tasks()
        self._running: dict[str, _Running] = {}
        self._beginning: set[asyncio.Task[object]] = set()
        self._freed = asyncio.Event()
        self._may_begin = False
        self._remembers = False
        self._tries = Tries()

    @property
    def concurrency(self) -> int:
        """How many pictures are made at once."""
        return self._effort.concurrency

    @property
    def running(self) -> int:
        """How many are being made."""
        return len(self._running)

    async def assist(self) -> None:
        """Carry out what one is told to, and look after what is begun, until cancelled."""
        self._may_begin = True
        await self._keep_up()

    async def give_up(self, job_id: str) -> None:
        """Break a job off that is in hand here, and return when that is on record."""
        running = self._running.get(job_id)
        if running is not None:
            running.break_off()
            await asyncio.wait([running.task])

    async def oversee(self) -> None:
        """Look after dead workers' jobs and deadlines until cancelled, without working."""
        await self._keep_up()

    async def run(self, dispatcher: Dispatcher) -> None:
        """Work until cancelled; what was begun goes on until ``drain``."""
        self._may_begin = self._remembers = True
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_up(), name="leases")
            group.create_task(self._persist(dispatcher), name="dispatcher")

    async def _persist(self, dispatcher: Dispatcher) -> None:
        """Run the dispatcher again whenever the database fails under it."""
        while True:
            try:
                await dispatcher.run(self)
            except (OSError, SQLAlchemyError) as error:
                _LOG.warning("dispatch_failed error=%s", type(error).__name__)
            await asyncio.sleep(SETTLE_PAUSE_S)

    async def drain(self, grace_s: float) -> None:
        """Wait for what was begun, at most ``grace_s`` seconds; break off the rest, and settle."""
        self._may_begin = self._remembers = False
        await asyncio.gather(*self._beginning, return_exceptions=True)
        beating = self._tasks.spawn(self._keep_up(), name="leases")
        tasks = [running.task for running in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        for running in list(self._running.values()):
            running.break_off()
        await asyncio.gather(*tasks, return_exceptions=True)
        beating.cancel()
        await self._tasks.drain(0)

    async def wait_for_hand(self) -> None:
        """Wait until fewer are running than may."""
        while len(self._running) >= self._effort.concurrency:
            self._freed.clear()
            await self._freed.wait()

    async def begin_next(self) -> int:
        """Claim what waits, and begin it."""
        return await self._to_the_end(self._begin_next())

    async def _begin_next(self) -> int:
        free = self._effort.concurrency - len(self._running)
        if free <= 0 or not self._may_buy() or not await self._claims.are_waiting():
            return 0
        free = self._allowed(free)
        entries: list[Entry] = []
        try:
            entries = await self._claims.claim_next(self._painter.name, limit=free) if free else []
        finally:
            # A database that is away has not begun the order that was to try the provider.
            self._tries.began([entry.job.job_id for entry in entries])
        for entry in entries:
            self._hold(entry)
        return len(entries)

    def _allowed(self, free: int) -> int:
        """Return how many may be begun: none while the provider rests, then one to try it."""
        # Who is told each job, as on Lambda, has no line to leave it in.
        return self._tries.allowed(free, self._painter.rest if self._remembers else None)

    async def carry_out(self, job_id: str) -> None:
        """Claim one job, and carry it out."""
        await self.wait_for_hand()
        await self._wait_for_provider()
        task = await self._to_the_end(self._begin_one(job_id))
        if task is not None:
            # Whoever waits here may be stopped; the job is not.
            await asyncio.shield(task)

    async def _wait_for_provider(self) -> None:
        """Wait until the provider rests no more, or this is the order that tries it."""
        while not self._allowed(1):
            self._freed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_REST_LOOK_S):
                    await self._freed.wait()

    async def _begin_one(self, job_id: str) -> asyncio.Task[None] | None:
        entry = None
        try:
            if self._may_buy():
                entry = await self._claims.claim_one(self._painter.name, job_id)
        finally:
            self._tries.began([] if entry is None else [job_id])
        return None if entry is None else self._hold(entry).task

    def _may_buy(self) -> bool:
        # Who does not look for forgotten jobs was told of this one, and nobody will be again.
        has_room = not (self._keeping.is_full and self._remembers)
        return self._may_begin and has_room

    async def _to_the_end(self, begin: Coroutine[object, object, T]) -> T:
        """Let nobody come between claiming a job and beginning it: it would count as bought."""
        task = self._tasks.spawn(begin, name="begin")
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)
        return await asyncio.shield(task)

    def look_at(self, job_id: str) -> None:
        """Break a job off whose cancel was asked for in this process."""
        running = self._running.get(job_id)
        if running is not None:
            running.break_off()

    def _hold(self, entry: Entry) -> _Running:
        job = entry.job
        task = self._tasks.spawn(self._work(entry), name=f"job {job.job_id}")
        running = self._running[job.job_id] = _Running(job.fence, task)
        task.add_done_callback(lambda _: self._end(job.job_id))
        return running

    def _end(self, job_id: str) -> None:
        self._running.pop(job_id, None)
        self._tries.ended(job_id)
        self._freed.set()

    async def _work(self, entry: Entry) -> None:
        job = entry.job
        # This task's own: whatever is logged from here on is about that request.
        request_ids.CURRENT.set(entry.request_id or "")
        began_s = self._claims.steady()
        note = Note(provider=self._painter.name)
        if not await self._is_still_ours(job):
            # Somebody else has settled it, as a call whose outcome is unknown: none is made now.
            _LOG.warning("job_lost job=%s fence=%d", job.job_id, job.fence)
            return
        try:
            painting = await self._painter.paint(
                entry, lambda index, sha256: self._show(job, index, sha256), left_s=self._left(job)
            )
        except asyncio.CancelledError:
            _LOG.warning("job_interrupted job=%s", job.job_id)
            decide = self._interrupted(job)
        except TimeoutError:
            decide = self._timed_out(job)
        except Exception:  # noqa: BLE001 - the root of the task, logged with its traceback
            _LOG.exception("job_failed job=%s kind=internal", job.job_id)
            decide = self._failed(job, Failure(kind="internal", outcome="unknown"))
        else:
            note = painting.note
            if isinstance(painting.result, Bought):
                bought = replace(painting.result, provider_s=self._claims.steady() - began_s)
                # Beside it: nothing comes between a picture that is paid for and its keeping.
                _ = self._tasks.spawn(self._tell_of_rest(has_painted=True), name="rest")
                await self._keeping.keep(job, bought, note, lambda: self._begin_to_settle(job))
                return
            failure = painting.result
            _LOG.warning(
                "job_failed job=%s kind=%s outcome=%s reason=%r",
                *(job.job_id, failure.kind, failure.outcome, painting.reason),
            )
            decide = self._failed(job, failure)
        self._begin_to_settle(job)
        took_s = self._claims.steady() - began_s
        await self._tell_of_rest()
        await self._settling.settle(
            job, lambda held: states.timed(decide(held), provider_s=took_s), note
        )

    def _begin_to_settle(self, job: Job) -> None:
        if job.job_id in self._running:
            self._running[job.job_id].is_settling = True

    async def _tell_of_rest(self, *, has_painted: bool = False) -> None:
        """Let those who wait know, in this process and in others; it is settled all the same."""
        try:
            await self._painter.tell_of_rest(has_painted=has_painted)
        except (OSError, SQLAlchemyError) as error:
            _LOG.warning("rest_not_told error=%s", type(error).__name__)

    async def _is_still_ours(self, job: Job) -> bool:
        """Look again if the machine was asleep between the claim and the call."""
        if job.lease_until is None or self._claims.now() < job.lease_until:
            return True
        try:
            return (job.job_id, job.fence) in await self._claims.held()
        except (OSError, SQLAlchemyError) as error:
            # Nothing is bought that may be somebody else's.
            _LOG.warning("leases_failed error=%s", type(error).__name__)
            return False

    def _left(self, job: Job) -> float | None:
        if job.deadline_at is None:
            return None
        return max(job.deadline_at - self._claims.now(), 0.0)

    def _failed(self, job: Job, failure: Failure) -> Decide:
        return lambda held: states.fail(
            held,
            job.fence,
            failure,
            now=self._claims.now(),
            most_attempts=self._effort.most_attempts,
            draw=self._claims.draw(),
        )

    def _interrupted(self, job: Job) -> Decide:
        return lambda held: states.interrupt(held, job.fence, now=self._claims.now())

    def _timed_out(self, job: Job) -> Decide:
        """Hold the deadline for passed: it was waited for with another clock."""

        def decide(held: Job) -> Job:
            now = max(self._claims.now(), held.deadline_at or 0.0)
            return states.interrupt(held, job.fence, now=now)

        return decide

    async def _show(self, job: Job, index: int, sha256: str) -> None:
        """Tell that a partial picture is there."""
        note = Note(
            provider=self._painter.name,
            kind="partial_image",
            data={"index": index, "url": f"/images/blobs/{sha256}"},
            shown_sha256=sha256,
        )
        progress = (index + 1) / _STEPS
        await self._settling.settle(
            job, lambda held: states.report(held, job.fence, progress=progress), note
        )

    async def _keep_up(self) -> None:
        """Extend our leases, break off what is canceled, end what nobody works on any more."""
        beaten_s: float | None = None
        while True:
            try:
                await self._claims.tell_time()
                now_s = self._claims.steady()
                is_due = beaten_s is None or now_s - beaten_s >= self._effort.lease_s / 3
                if self._running and is_due:
                    await self._claims.beat()
                    beaten_s = now_s
                await self._look_after_ours()
                await self._claims.sweep()
                await self._painter.tell_of_rest()
                await self._painter.rests.look()
                await self._remember()
            except (OSError, SQLAlchemyError) as error:
                _LOG.warning("leases_failed error=%s", type(error).__name__)
            await asyncio.sleep(min(_TICK_S, self._effort.lease_s / 3))

    async def _remember(self) -> None:
        """Begin what waits although hands are free: nobody was told of it."""
        has_hand = len(self._running) < self._effort.concurrency and self._remembers
        has_hand = has_hand and self._may_buy()
        is_well = self._painter.rest is None
        if has_hand and is_well and await self._claims.are_waiting(since_s=_FORGOTTEN_AFTER_S):
            begun = await self.begin_next()
            _LOG.warning("jobs_forgotten begun=%d", begun)

    async def _look_after_ours(self) -> None:
        if not self._running:
            return
        ours = dict(self._running)
        held = await self._claims.held()
        for job_id, running in ours.items():
            is_cancel_asked = held.get((job_id, running.fence))
            # None: the lease ran out, and somebody else has settled the job.
            if is_cancel_asked is not False:
                running.break_off()
