"""The engine: trials wait their turn, the other side is asked, and each ends in one class."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gateway.control.messages import Part, WorkerName
from gateway.control.trials.accounts import Accounts
from gateway.control.trials.arriving import Arriving
from gateway.control.trials.asking import Respondent
from gateway.control.trials.comparer import Comparer
from gateway.control.trials.knowing import rules_digest
from gateway.control.trials.material import Material, fetch, outline, share_bytes
from gateway.control.trials.room import Room, Share
from gateway.control.trials.run_state import RunState, Waiting
from gateway.control.trials.spool import Spool, SpoolError
from gateway.control.trials.trial import Ended, Tools, try_once
from gateway.parallel_run.classes import Sheet, TrialClass
from gateway.parallel_run.observation import Observation, Trial
from gateway.parallel_run.pinned import PinnedCalls
from gateway.parallel_run.plan import ParallelRun
from gateway.parallel_run.result import TrialResult, TrialSink
from gateway.proxy.captured import Captured, LeftOut
from gateway.proxy.spawn import Running, spawn
from gateway.routing.snapshot import Snapshot

MOST_WAITING = 1_000
"""Trials of one run."""
MOST_WAITING_BYTES = 64 * 1024 * 1024
LONGEST_WAIT_S = 30.0
"""What a resource was that long ago says little of what it is now."""
_SPARE_CONNECTIONS = 2
"""Times the trials in flight: one asks up to two sides, and the candidate twice."""


class Trials:
    """All runs of one control."""

    def __init__(
        self,
        wall_clock: Callable[[], float],
        sink: TrialSink,
        before: Mapping[str, Mapping[str, int]],
        *,
        pins: PinnedCalls | None = None,
        comparer: Comparer | None = None,
        spool: Spool | None = None,
    ) -> None:
        """Begin with no run.

        Args:
            wall_clock: Gives seconds since 1970.
            sink: Takes trials that have ended.
            before: What the control before has ended, by run and class.
            pins: Knows what the sides of a trial ask of others, where that passes here.
            comparer: Compares answers.
            spool: Keeps large bodies until their trial's turn has come.
        """
        self._wall_clock = wall_clock
        self._sink = sink
        self._pins = pins
        self.accounts = Accounts(before)
        self.comparer = comparer or Comparer()
        self.spool = spool or Spool()
        self._arriving = Arriving(self.spool)
        self.room = Room()
        self._runs: dict[str, RunState] = {}
        self._revision = 0
        self._taken: dict[str, tuple[int, int]] = {}
        self._under_way: set[Running] = set()

    def follow(self, snapshot: Snapshot, revision: int) -> None:
        """Try by this revision from the next trial on; those under way end as they began."""
        self._revision = revision
        backends = {backend.name: backend for backend in snapshot.backends}
        doors = {door.side for door in snapshot.egress.doors} if snapshot.egress else set()
        for plan in snapshot.parallel_runs:
            run = self._runs.setdefault(plan.name, RunState(plan))
            if taken := self._taken.pop(plan.name, None):
                run.allowance.go_on(*taken)
            run.plan, run.digest = plan, rules_digest(plan, backends)
            run.is_pinned = {plan.control, plan.candidate} <= doors
            most = max(plan.budget.in_flight * _SPARE_CONNECTIONS, 4)
            before, run.respondents = run.respondents, {}
            for name in {plan.control, plan.candidate, plan.second_control} - {""}:
                backend = replace(backends[name], max_connections=most, max_waiting=most)
                known = before.get(name)
                if known is None or known.backend != backend:
                    known = Respondent(backend, self._wall_clock)
                run.respondents[name] = known
            for name, respondent in before.items():
                if run.respondents.get(name) is not respondent:
                    respondent.close()

    def part(self, worker: WorkerName, part: Part) -> None:
        """Take bytes of a large body, of an exchange that is not over."""
        self._arriving.add(worker, part.capture_id, part.side, part.pieces)

    def given_up(self, worker: WorkerName, capture_ids: Sequence[int]) -> None:
        """Forget exchanges that a worker has counted itself."""
        self._arriving.give_up(worker, capture_ids)

    def lose(self, worker: WorkerName) -> None:
        """Forget what a worker that is gone had not handed over."""
        self._arriving.lose(worker)

    def offered(self, trials: list[Captured], worker: WorkerName) -> None:
        """Take trials that a worker hands over."""
        now_s = time.monotonic()
        for captured in trials:
            self.accounts.receive(captured.run)
            self._sink.began(captured.run)
            poured = captured.poured
            bodies = self._arriving.take(worker, poured) if poured is not None else None
            run = self._runs.get(captured.run)
            if run is None:
                self.accounts.end(captured.run, TrialClass.SHED)
                self._sink.gone(captured.run)
                self._arriving.free(bodies)
                self._sink.told_before(captured.run, 1)
                continue
            one = Waiting(captured, bodies, secrets.token_hex(16), now_s)
            if (became := _fault(run, one)) is not None:
                self._leave_out(run, one, became)
                continue
            run.waiting.append(one)
            run.waiting_bytes += one.size
            self._pump(run)

    def taken_today(self) -> dict[str, tuple[int, int]]:
        """Run -> day and trials of it: what the next control has to know of the budgets."""
        return {name: run.allowance.today for name, run in self._runs.items()} | self._taken

    def go_on(self, taken: Mapping[str, tuple[int, int]]) -> None:
        """Go on from what the control before has taken of the budgets."""
        self._taken = dict(taken)

    def handed_over_before(self, offered: Mapping[str, int]) -> None:
        """Note what a worker had handed over to a control that is gone."""
        self.accounts.handed_over_before(offered)

    def told_before(self, told: Mapping[str, int]) -> None:
        """Note of how many requests, by run, a control that is gone was told."""
        for name, count in told.items():
            if count:
                self._sink.told_before(name, count)

    def left_out(self, many: list[LeftOut]) -> None:
        """Tell the sink what ended in a worker."""
        for name, method, template, status_class, became, count in many:
            run = self._runs.get(name)
            if run is not None and run.waits_for_build:
                run.early[name, method, template, status_class, became] += count
            elif run is not None and became == TrialClass.NOT_SAMPLED:
                self._sink.not_sampled(name, run.epoch_key, count)
            elif run is None:
                self._sink.told_before(name, count)
            else:
                stratum = run.known.stratum_of(method, template, status_class)
                self._sink.left_out(name, run.epoch_key, {(stratum, TrialClass(became)): count})

    def sheets(self, workers: Mapping[str, Mapping[str, int]]) -> dict[str, Sheet]:
        """The balance sheet of every run, of those without a request as well."""
        sheets = self.accounts.sheets(workers)
        return {name: sheets.get(name) or Sheet() for name in [*self._runs, *sheets]}

    async def close(self) -> None:
        """Try no more: what waits is shed, what is under way is lost, and both are counted."""
        for run in self._runs.values():
            self._tell_early(run)
            waiting, run.waiting = run.waiting, deque()
            for one in waiting:
                self._leave_out(run, one, TrialClass.SHED)
        for running in list(self._under_way):
            running.cancel()
            await running.ended()
        await self.comparer.close()
        self.spool.close()
        for run in self._runs.values():
            for respondent in run.respondents.values():
                respondent.close()

    def _leave_out(self, run: RunState, one: Waiting, became: TrialClass) -> None:
        """End a trial that nobody was asked for."""
        self._end(run, one, outline(one.captured), Ended(became), run.plan)

    def _pump(self, run: RunState) -> None:
        """Begin what may be begun; where memory is short, the rest waits until others end."""
        while run.may_begin:
            one = run.waiting[0]
            # Where the roles were swapped meanwhile, it is not the answer of the side it would be.
            is_other = one.captured.backend != run.plan.served
            is_late = is_other or time.monotonic() - one.since_s > LONGEST_WAIT_S
            share = None if is_late else self.room.share(share_bytes(one.captured))
            if share is None and not is_late:
                return
            run.waiting.popleft()
            run.waiting_bytes -= one.size
            if share is None:
                self._leave_out(run, one, TrialClass.SHED)
            elif not run.allowance.take(run.plan.budget, self._wall_clock()):
                share.give_back()
                self._leave_out(run, one, TrialClass.OVER_BUDGET)
            else:
                run.in_flight += 1
                run.is_changing = one.changes(run.plan)
                running = spawn(self._try(run, one, share), f"trial-{run.plan.name}")
                self._under_way.add(running)
                running.when_ended(self._under_way.discard)

    async def _try(self, run: RunState, one: Waiting, share: Share) -> None:
        """Put one through; whatever happens, it ends once."""
        plan, material = run.plan, outline(one.captured)
        ended = Ended(TrialClass.COMPARE_FAILED)
        try:
            if one.bodies is not None:
                material = await fetch(self.spool, one.captured, one.bodies)
                self._let_go(one)
            tools = Tools(
                plan=plan,
                digest=run.digest,
                respondents=run.respondents,
                known=run.known,
                comparer=self.comparer,
                wall_clock=self._wall_clock,
                share=share,
                pins=self._pins if run.is_pinned else None,
            )
            share.hold(len(material.asked.body) + _size(material.served))
            ended = await try_once(self._trial(one, material, plan), tools)
        except SpoolError:
            ended = Ended(TrialClass.SHED)
        except asyncio.CancelledError:
            ended = Ended(TrialClass.LOST)
            raise
        finally:
            run.in_flight -= 1
            run.is_changing = False
            share.give_back()
            self._end(run, one, material, ended, plan)
            self._tell_early(run)
            for each in self._runs.values():
                self._pump(each)

    def _tell_early(self, run: RunState) -> None:
        """Tell what was left out before anybody knew which build this is evidence of."""
        run.has_asked = True
        early, run.early = run.early, Counter()
        self.left_out([(*each, count) for each, count in early.items()])

    def _trial(self, one: Waiting, material: Material, plan: ParallelRun) -> Trial:
        captured = one.captured
        return Trial(
            trial_id=one.trial_id,
            # The customer's own may have been no such thing.
            trace_id=captured.trace_id or one.trial_id,
            run=captured.run,
            route=captured.route,
            revision=self._revision,
            asked=material.asked,
            control=material.served,
            is_reversed=plan.is_reversed,
        )

    def _let_go(self, one: Waiting) -> None:
        """Leave the spool to others."""
        self._arriving.free(one.bodies)
        one.bodies = None

    def _end(
        self, run: RunState, one: Waiting, material: Material, ended: Ended, plan: ParallelRun
    ) -> None:
        captured, served = one.captured, material.served
        self._let_go(one)
        self.accounts.end(captured.run, ended.became)
        is_reversed = plan.is_reversed
        status = captured.counts_as or captured.status
        self._sink.ended(
            TrialResult(
                run=captured.run,
                epoch_key=ended.epoch_key or run.epoch_key,
                trial_id=one.trial_id,
                trace_id=captured.trace_id,
                route=captured.route,
                stratum=ended.stratum or run.known.stratum(material.asked, status),
                became=ended.became,
                fingerprint=material.fingerprint,
                at_s=served.began_at_s,
                control=ended.other if is_reversed else served,
                candidate=served if is_reversed else ended.other,
                second=ended.second,
                comparison=ended.comparison,
                second_comparison=ended.between_controls,
                again_comparison=ended.between_candidates,
                asked=material.asked,
            )
        )


def _fault(run: RunState, one: Waiting) -> TrialClass | None:
    """Why a trial cannot wait for its turn; None if it can."""
    poured = one.captured.poured
    if poured is not None and one.bodies is not None:
        fault = one.bodies.fault(poured)
        if fault is not None:
            return fault
    is_full = len(run.waiting) >= MOST_WAITING
    return TrialClass.SHED if is_full or run.waiting_bytes + one.size > MOST_WAITING_BYTES else None


def _size(seen: Observation) -> int:
    return len(seen.answer.body) if seen.answer is not None else 0
