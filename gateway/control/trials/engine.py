"""The engine: trials wait their turn, the other side is asked, and each ends in one class."""

from __future__ import annotations

import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from gateway.control.trials.accounts import Accounts
from gateway.control.trials.asking import Respondent, read_answered, read_asked
from gateway.control.trials.comparer import Comparer
from gateway.control.trials.knowing import Known, fingerprint, rules_digest
from gateway.control.trials.trial import Ended, Tools, try_once
from gateway.parallel_run.allowance import Allowance
from gateway.parallel_run.classes import Sheet, TrialClass
from gateway.parallel_run.epoch import epoch_key
from gateway.parallel_run.observation import Asked, Trial
from gateway.parallel_run.pinned import PinnedCalls
from gateway.parallel_run.plan import SAFE, ParallelRun
from gateway.parallel_run.result import TrialResult, TrialSink
from gateway.proxy.captured import Captured, LeftOut
from gateway.proxy.spawn import spawn
from gateway.routing.snapshot import Snapshot

MOST_WAITING = 1_000
"""Trials of one run."""
MOST_WAITING_BYTES = 64 * 1024 * 1024
LONGEST_WAIT_S = 30.0
"""What a resource was that long ago says little of what it is now."""
_SPARE_CONNECTIONS = 2
"""Times the trials in flight: one asks up to two sides, and the candidate twice."""


@dataclass(slots=True)
class _Waiting:
    captured: Captured
    trial_id: str
    since_s: float

    @property
    def size(self) -> int:
        return len(self.captured.request) + len(self.captured.body)

    def changes(self, plan: ParallelRun) -> bool:
        """Whether the candidate will be another one afterwards."""
        method = self.captured.request.partition(b" ")[0]
        return plan.writes in {"idempotent", "allow"} and method not in SAFE


@dataclass(slots=True)
class _Run:
    """One run's state; it goes on through reloads."""

    plan: ParallelRun
    digest: str = ""
    respondents: dict[str, Respondent] = field(default_factory=dict)
    known: Known = field(default_factory=Known)
    allowance: Allowance = field(default_factory=Allowance)
    waiting: deque[_Waiting] = field(default_factory=deque)
    waiting_bytes: int = 0
    in_flight: int = 0
    is_pinned: bool = False
    """Whether both sides' calls to collaborators pass here."""

    is_changing: bool = False
    """Whether a trial is under way that changes the candidate; it is alone then."""

    @property
    def may_begin(self) -> bool:
        """Whether the next trial's turn has come.

        What changes the candidate comes to it as the control has had it: behind all that came
        before, and before all that comes behind. Otherwise either side would be another one.
        """
        if not self.waiting or self.is_changing or self.in_flight >= self.plan.budget.in_flight:
            return False
        return not (self.in_flight and self.waiting[0].changes(self.plan))

    early: Counter[tuple[str, str, str, int, str]] = field(default_factory=Counter)
    """What was left out before the first trial has told which build it is evidence of."""
    has_asked: bool = False

    @property
    def waits_for_build(self) -> bool:
        """Whether the candidate will say which build it is, and has not yet."""
        is_told = bool(self.plan.build_header) or self.plan.build_health is not None
        return is_told and not self.has_asked

    @property
    def epoch_key(self) -> str:
        return epoch_key(self.known.build, self.digest)


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
    ) -> None:
        """Begin with no run.

        Args:
            wall_clock: Gives seconds since 1970.
            sink: Takes trials that have ended.
            before: What the control before has ended, by run and class.
            pins: Knows what the sides of a trial ask of others, where that passes here.
            comparer: Compares answers.
        """
        self._wall_clock = wall_clock
        self._sink = sink
        self._pins = pins
        self.accounts = Accounts(before)
        self.comparer = comparer or Comparer()
        self._runs: dict[str, _Run] = {}
        self._revision = 0
        self._taken: dict[str, tuple[int, int]] = {}

    def follow(self, snapshot: Snapshot, revision: int) -> None:
        """Try by this revision from the next trial on; those under way end as they began."""
        self._revision = revision
        backends = {backend.name: backend for backend in snapshot.backends}
        doors = {door.side for door in snapshot.egress.doors} if snapshot.egress else set()
        for plan in snapshot.parallel_runs:
            run = self._runs.setdefault(plan.name, _Run(plan))
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

    def offered(self, trials: list[Captured]) -> None:
        """Take trials that a worker hands over."""
        now_s = time.monotonic()
        for captured in trials:
            self.accounts.receive(captured.run)
            self._sink.began(captured.run)
            run = self._runs.get(captured.run)
            if run is None:
                self.accounts.end(captured.run, TrialClass.SHED)
                self._sink.gone(captured.run)
                continue
            one = _Waiting(captured, secrets.token_hex(16), now_s)
            is_full = len(run.waiting) >= MOST_WAITING
            if is_full or run.waiting_bytes + one.size > MOST_WAITING_BYTES:
                self._leave_out(run, one, TrialClass.SHED)
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

    def left_out(self, many: list[LeftOut]) -> None:
        """Tell the sink what ended in a worker."""
        for name, method, template, status_class, became, count in many:
            run = self._runs.get(name)
            if run is not None and run.waits_for_build:
                run.early[name, method, template, status_class, became] += count
            elif run is not None and became == TrialClass.NOT_SAMPLED:
                self._sink.not_sampled(name, run.epoch_key, count)
            elif run is not None:
                stratum = run.known.stratum_of(method, template, status_class)
                self._sink.left_out(name, run.epoch_key, {(stratum, TrialClass(became)): count})

    def sheets(self, workers: Mapping[str, Mapping[str, int]]) -> dict[str, Sheet]:
        """The balance sheet of every run, of those without a request as well."""
        sheets = self.accounts.sheets(workers)
        return {name: sheets.get(name) or Sheet() for name in [*self._runs, *sheets]}

    async def close(self) -> None:
        """Try no more."""
        await self.comparer.close()
        for run in self._runs.values():
            run.waiting.clear()
            for respondent in run.respondents.values():
                respondent.close()

    def _leave_out(self, run: _Run, one: _Waiting, became: TrialClass) -> None:
        """End a trial that nobody was asked for."""
        self._end(run, one, read_asked(one.captured), Ended(became), run.plan)

    def _pump(self, run: _Run) -> None:
        """Begin what may be begun."""
        while run.may_begin:
            one = run.waiting.popleft()
            run.waiting_bytes -= one.size
            if time.monotonic() - one.since_s > LONGEST_WAIT_S:
                self._leave_out(run, one, TrialClass.SHED)
            elif not run.allowance.take(run.plan.budget, self._wall_clock()):
                self._leave_out(run, one, TrialClass.OVER_BUDGET)
            else:
                run.in_flight += 1
                run.is_changing = one.changes(run.plan)
                spawn(self._try(run, one), f"trial-{run.plan.name}")

    async def _try(self, run: _Run, one: _Waiting) -> None:
        """Put one through; whatever happens, it ends once."""
        captured, plan = one.captured, run.plan
        asked = read_asked(captured)
        ended = Ended(TrialClass.COMPARE_FAILED)
        try:
            trial = Trial(
                trial_id=one.trial_id,
                # The customer's own may have been no such thing.
                trace_id=captured.trace_id or one.trial_id,
                run=captured.run,
                route=captured.route,
                revision=self._revision,
                asked=asked,
                control=read_answered(captured),
                is_reversed=plan.is_reversed,
            )
            tools = Tools(
                plan=plan,
                digest=run.digest,
                respondents=run.respondents,
                known=run.known,
                comparer=self.comparer,
                wall_clock=self._wall_clock,
                pins=self._pins if run.is_pinned else None,
            )
            ended = await try_once(trial, tools)
        finally:
            run.in_flight -= 1
            run.is_changing = False
            self._end(run, one, asked, ended, plan)
            self._tell_early(run)
            self._pump(run)

    def _tell_early(self, run: _Run) -> None:
        """Tell what was left out before anybody knew which build this is evidence of."""
        run.has_asked = True
        early, run.early = run.early, Counter()
        self.left_out([(*each, count) for each, count in early.items()])

    def _end(self, run: _Run, one: _Waiting, asked: Asked, ended: Ended, plan: ParallelRun) -> None:
        captured = one.captured
        self.accounts.end(captured.run, ended.became)
        served = read_answered(captured)
        is_reversed = plan.is_reversed
        status = captured.counts_as or captured.status
        self._sink.ended(
            TrialResult(
                run=captured.run,
                epoch_key=ended.epoch_key or run.epoch_key,
                trial_id=one.trial_id,
                route=captured.route,
                stratum=ended.stratum or run.known.stratum(asked, status),
                became=ended.became,
                fingerprint=fingerprint(asked),
                at_s=served.began_at_s,
                control=ended.other if is_reversed else served,
                candidate=served if is_reversed else ended.other,
                second=ended.second,
                comparison=ended.comparison,
                second_comparison=ended.between_controls,
                again_comparison=ended.between_candidates,
                asked=asked,
            )
        )
