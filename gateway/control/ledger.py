"""Where trials end: counted at once, written to the database in batches, by control alone.

`Ledger.ended` takes microseconds and never waits. What cannot be written is kept and tried again;
what there is no room for is counted as shed, so that the classes always sum.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gateway.control.ledger_plan import LedgerPlan, LedgerState
from gateway.control.log import note, warn
from gateway.errors import GatewayError
from gateway.parallel_run.classes import AGAINST, TrialClass
from gateway.parallel_run.entry import TOO_MANY, Entry, bounded, entry_of
from gateway.parallel_run.example_making import example_of
from gateway.parallel_run.examples import write_example
from gateway.parallel_run.plan import Kept, ParallelRun
from gateway.parallel_run.result import TrialResult
from gateway.parallel_run.strata import Stratum
from gateway.proxy.spawn import Running, spawn
from gateway.state.database import Database, open_database
from gateway.state.run_batch import Batch, Chosen, Counted, EpochName
from gateway.state.run_ledger import RunLedger
from gateway.state.run_retention import forget
from gateway.telemetry.events import Event
from gateway.whatif.tokens import Tokens

_BATCH = 1_000
"""Trials in a transaction: its fixed cost is spread over them, and it takes tens of ms."""
_PAUSE_S = 0.25
"""Between batches: what a kill loses at most, and how old a report may be."""
_RETRY_S = (1.0, 2.0, 5.0, 10.0)
"""Pauses after failures, the last for all further ones."""
_MOST_QUEUED = 20_000
"""Trials: ten seconds of two thousand a second, a few MiB without their bodies."""
_MOST_MATERIAL_BYTES = 32 * 1024 * 1024
"""Of bodies that wait to become examples; without room a trial is counted and is no example."""
_MOST_KINDS = 5_000
"""Of (epoch, stratum, class) that are counted alone while the database cannot be written."""
_FORGET_S = 3600.0
_CLOSE_S = 3.0
"""For the last batches: longer than they take, shorter than an operator's patience."""


@dataclass(slots=True)
class _Waiting:
    """A trial that is not written yet."""

    counted: Counted
    material: TrialResult | None
    material_bytes: int


class Ledger:
    """The `TrialSink` of control."""

    def __init__(self, plan: LedgerPlan) -> None:
        self._plan = plan
        self._make_example = plan.make_example or self._redacted
        self._token = Tokens(plan.key).token
        self._database: Database | None = None
        self._is_ready = False
        self._queue: deque[_Waiting] = deque()
        self._material_bytes = 0
        self._left_out: dict[EpochName, Counter[tuple[Stratum, TrialClass]]] = defaultdict(Counter)
        self._kinds = 0
        self._not_sampled: Counter[EpochName] = Counter()
        self._pending: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._accounted: Counter[str] = Counter()
        """Of this start of the gateway, by run: what is written, earlier controls' included."""
        self._missing: Counter[str] = Counter()
        """What earlier controls were told, by run, less what they have written."""
        self._has_missing = False
        self._plans: Mapping[str, ParallelRun] = {}
        self._wake = asyncio.Event()
        self._closing = False
        self._running: Running | None = None
        self._forgot_at_s = 0.0
        self.state = LedgerState()

    def start(self) -> None:
        """Begin to write."""
        self._running = spawn(self._write_on(), "ledger")

    def follow(self, runs: Mapping[str, ParallelRun]) -> None:
        """Take the parallel runs of another revision of routes.yaml."""
        self._plans = dict(runs)
        if runs:
            # What an earlier control had begun is looked for at once, and not with the first trial.
            self._wake.set()

    def began(self, run: str) -> None:
        """Note that a trial is under way: should control die, it is counted as lost."""
        self._pending[run] = self._pending.get(run, 0) + 1
        self._wake.set()

    def told_before(self, run: str, count: int) -> None:
        """Take a count of requests that a control before this one was told of.

        What it had not written of them is lost.
        """
        self._missing[run] += count
        self._has_missing = True
        self._wake.set()

    def gone(self, run: str) -> None:
        """Note that a trial has ended of which nothing is known but that: its run is not there."""
        self._pending[run] = max(self._pending.get(run, 0) - 1, 0)

    def ended(self, result: TrialResult) -> None:
        """Take a trial that has ended."""
        self.gone(result.run)
        if len(self._queue) >= _MOST_QUEUED:
            self.state.shed += 1
            self._count((result.run, result.epoch_key), bounded(result.stratum), TrialClass.SHED, 1)
            return
        entry = entry_of(result)
        size = _size(result) if result.became in AGAINST else 0
        has_material = result.became in AGAINST
        if has_material and self._material_bytes + size > _MOST_MATERIAL_BYTES:
            self.state.without_example += 1
            has_material, size = False, 0
        self._material_bytes += size
        counted = Counted(
            entry=entry,
            fingerprint=self._fingerprint(entry),
            draw=self._plan.draw(),
            has_material=has_material,
        )
        self._queue.append(_Waiting(counted, result if has_material else None, size))
        self._wake.set()

    def left_out(
        self, run: str, epoch_key: str, uncompared: Mapping[tuple[Stratum, TrialClass], int]
    ) -> None:
        """Take counts of requests that no trial was made of, since the last call."""
        for (stratum, became), count in uncompared.items():
            self._count((run, epoch_key), bounded(stratum), became, count)
        self._wake.set()

    def not_sampled(self, run: str, epoch_key: str, count: int) -> None:
        """Take a count of eligible requests that were not chosen, since the last call."""
        self._not_sampled[run, epoch_key] += count
        self._wake.set()

    async def close(self) -> None:
        """Write what is there, if that takes no longer than a moment, and end."""
        self._closing = True
        self._wake.set()
        if self._running is not None:
            waiting = self._running
            try:
                async with asyncio.timeout(_CLOSE_S):
                    await waiting.ended()
            except TimeoutError:
                waiting.cancel()
                await waiting.ended()
        if self._database is not None:
            await self._database.close()

    def _fingerprint(self, entry: Entry) -> bytes:
        if not entry.fingerprint:
            return b""
        data = entry.fingerprint.encode()
        return hashlib.blake2b(data, digest_size=16, key=self._plan.key[:64]).digest()

    def _count(self, epoch: EpochName, stratum: Stratum, became: TrialClass, count: int) -> None:
        counts = self._left_out[epoch]
        if (stratum, became) not in counts:
            if self._kinds >= _MOST_KINDS:
                stratum = Stratum(TOO_MANY.method, TOO_MANY.template, stratum.status)
            self._kinds += 1
        counts[stratum, became] += count

    async def _write_on(self) -> None:
        """Write whatever comes, until told to end."""
        failures = 0
        while True:
            if not self._closing:
                await self._wake.wait()
            self._wake.clear()
            if self._closing and not self._has_more():
                return
            try:
                await self._open()
                await self._write_all()
                await self._forget()
            except GatewayError as error:
                self._say_failed(str(error))
                if self._closing:
                    return
                self._wake.set()
                await self._pause(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
                failures += 1
                continue
            failures = 0
            self._say_restored()
            if self._has_more():
                # More than a batch had come before `wake` was cleared: nobody calls again.
                self._wake.set()
            await self._pause(_PAUSE_S)

    async def _pause(self, pause_s: float) -> None:
        """Wait, unless the end is near."""
        if not self._closing:
            await asyncio.sleep(pause_s)

    async def _open(self) -> None:
        if self._database is None:
            self._database = open_database(self._plan.database_url)
        if not self._is_ready:
            await self._database.upgrade()
            plan = self._plan
            recovered = await RunLedger(self._database).recover(
                plan.gateway, plan.wall_s(), plan.started
            )
            self._say_lost(recovered.lost)
            self._accounted.update(recovered.accounted)
            self._missing.subtract(recovered.accounted)
            self._is_ready = True

    async def _write_all(self) -> None:
        while self._has_more():
            await self._write_one()
            if len(self._queue) < _BATCH and not self._closing:
                return

    def _has_more(self) -> bool:
        has_counts = self._left_out or self._not_sampled or self._has_missing
        return bool(self._queue or has_counts or self._owed() != self._told)

    async def _write_one(self) -> None:
        """Write a batch; it stays where it is until it is written."""
        assert self._database is not None  # noqa: S101 - _open has been called
        taken = list(islice(self._queue, _BATCH))
        left_out, self._left_out = self._left_out, defaultdict(Counter)
        not_sampled, self._not_sampled = self._not_sampled, Counter()
        pending, self._kinds = self._owed(len(taken)), 0
        accounted = self._accounted.copy()
        accounted.update(each.counted.entry.run for each in taken)
        accounted.update(_by_run(left_out, not_sampled))
        batch = Batch(
            now_s=self._plan.wall_s(),
            gateway=self._plan.gateway,
            started=self._plan.started,
            accounted=accounted,
            lost={run: count for run, count in self._missing.items() if count > 0},
            counted=[each.counted for each in taken],
            left_out=left_out,
            not_sampled=not_sampled,
            pending=pending,
            plans=self._plans,
        )
        ledger = RunLedger(self._database)
        try:
            written = await ledger.write(batch)
        except (GatewayError, asyncio.CancelledError):
            self._take_back(left_out, not_sampled)
            raise
        except Exception as error:  # noqa: BLE001 - no trial, whatever it holds, stops the ledger
            self._take_back(left_out, not_sampled)
            self._shed(taken)
            warn(Event.TASK_FAILED, task="ledger", why=repr(error))
            return
        self._told, self._has_missing = pending, False
        self._accounted = accounted + Counter(written.lost)
        self._missing.subtract(written.lost)
        self._say_lost(written.lost)
        for each in taken:
            self._queue.popleft()
            self._material_bytes -= each.material_bytes
        self.state.written += len(taken)
        await self._keep_examples(ledger, taken, written.chosen)

    def _owed(self, written: int = 0) -> dict[str, int]:
        """Run -> what would be lost if control died now: under way, or waiting to be written.

        Args:
            written: Of those that wait, how many do not count.
        """
        owed = dict(self._pending)
        for each in islice(self._queue, written, None):
            run = each.counted.entry.run
            owed[run] = owed.get(run, 0) + 1
        return owed

    def _shed(self, taken: Sequence[_Waiting]) -> None:
        """Count trials that cannot be folded, and let them go."""
        for each in taken:
            entry = self._queue.popleft().counted.entry
            self._material_bytes -= each.material_bytes
            self._count((entry.run, entry.epoch_key), entry.stratum, TrialClass.SHED, 1)
        self.state.shed += len(taken)

    def _take_back(
        self,
        left_out: Mapping[EpochName, Counter[tuple[Stratum, TrialClass]]],
        not_sampled: Counter[EpochName],
    ) -> None:
        for epoch, counts in left_out.items():
            for (stratum, became), count in counts.items():
                self._count(epoch, stratum, became, count)
        self._not_sampled.update(not_sampled)

    async def _keep_examples(
        self, ledger: RunLedger, taken: Sequence[_Waiting], chosen: Iterable[Chosen]
    ) -> None:
        wanted = [
            (each, taken[each.index].material)
            for each in chosen
            if taken[each.index].material is not None
        ]
        if not wanted:
            return
        # Redaction reads whole documents, and previews decode pictures: not on the loop.
        made = await asyncio.to_thread(self._make, wanted)
        await ledger.keep_examples(made)
        self.state.examples += len(made)

    def _make(
        self, wanted: Sequence[tuple[Chosen, TrialResult | None]]
    ) -> list[tuple[Chosen, float, str]]:
        made = []
        for chosen, result in wanted:
            if result is None:
                continue
            try:
                document = self._make_example(result, chosen.place)
            except Exception as error:  # noqa: BLE001 - hostile bodies; no example ends the ledger
                warn(Event.TASK_FAILED, task="example", why=repr(error))
                continue
            made.append((chosen, result.at_s, document))
        return made

    def _redacted(self, result: TrialResult, place: str) -> str:
        plan = self._plans.get(result.run)
        kept = plan.kept if plan is not None else Kept()
        return write_example(example_of(result, place, kept, self._token))

    async def _forget(self) -> None:
        now_s = self._plan.wall_s()
        if self._database is None or now_s - self._forgot_at_s < _FORGET_S:
            return
        self._forgot_at_s = now_s
        done = await forget(self._database, self._plan.retention, now_s)
        if done.epochs or done.examples:
            note(Event.EVIDENCE_FORGOTTEN, epochs=done.epochs, examples=done.examples)

    def _say_lost(self, lost: Mapping[str, int]) -> None:
        for run, count in lost.items():
            if count:
                warn(Event.EVIDENCE_LOST, run=run, trials=count)

    def _say_failed(self, why: str) -> None:
        self.state.failures += 1
        if not self.state.fault:
            warn(Event.EVIDENCE_FAILED, why=why)
        self.state.fault = why

    def _say_restored(self) -> None:
        if self.state.fault:
            note(Event.EVIDENCE_RESTORED, written=self.state.written, shed=self.state.shed)
        self.state.fault = ""


def _by_run(
    left_out: Mapping[EpochName, Counter[tuple[Stratum, TrialClass]]],
    not_sampled: Mapping[EpochName, int],
) -> Counter[str]:
    """How many requests that no trial was made of each run has."""
    found: Counter[str] = Counter()
    for (run, _), counts in left_out.items():
        found[run] += counts.total()
    for (run, _), count in not_sampled.items():
        found[run] += count
    return found


def _size(result: TrialResult) -> int:
    """Bytes of the bodies that a result holds."""
    sides = (result.control, result.candidate, result.second)
    answers = [side.answer for side in sides if side is not None and side.answer is not None]
    asked = len(result.asked.body) if result.asked is not None else 0
    return asked + sum(len(answer.body) for answer in answers)
