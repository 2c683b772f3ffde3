"""What control keeps of one parallel run: who waits, and what is under way."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from gateway.control.trials.arriving import Bodies
from gateway.control.trials.asking import Respondent
from gateway.control.trials.knowing import Known
from gateway.parallel_run.allowance import Allowance
from gateway.parallel_run.epoch import epoch_key
from gateway.parallel_run.plan import SAFE, ParallelRun
from gateway.proxy.captured import Captured


@dataclass(slots=True)
class Waiting:
    """A trial that was handed over and has not begun."""

    captured: Captured
    bodies: Bodies | None
    """What of it is in the spool; None if nothing is, or not any more."""
    trial_id: str
    since_s: float

    @property
    def size(self) -> int:
        """Bytes of it in memory."""
        return len(self.captured.request) + len(self.captured.body)

    def changes(self, plan: ParallelRun) -> bool:
        """Whether the candidate will be another one afterwards."""
        method = self.captured.request.partition(b" ")[0]
        return plan.writes in {"idempotent", "allow"} and method not in SAFE


@dataclass(slots=True)
class RunState:
    """One run's state; it goes on through reloads."""

    plan: ParallelRun
    digest: str = ""
    respondents: dict[str, Respondent] = field(default_factory=dict)
    known: Known = field(default_factory=Known)
    allowance: Allowance = field(default_factory=Allowance)
    waiting: deque[Waiting] = field(default_factory=deque)
    waiting_bytes: int = 0
    in_flight: int = 0
    is_pinned: bool = False
    """Whether both sides' calls to collaborators pass here."""
    is_changing: bool = False
    """Whether a trial is under way that changes the candidate; it is alone then."""
    early: Counter[tuple[str, str, str, int, str]] = field(default_factory=Counter)
    """What was left out before the first trial has told which build it is evidence of."""
    has_asked: bool = False

    @property
    def may_begin(self) -> bool:
        """Whether the next trial's turn has come.

        What changes the candidate comes to it as the control has had it: behind all that came
        before, and before all that comes behind. Otherwise either side would be another one.
        """
        if not self.waiting or self.is_changing or self.in_flight >= self.plan.budget.in_flight:
            return False
        return not (self.in_flight and self.waiting[0].changes(self.plan))

    @property
    def waits_for_build(self) -> bool:
        """Whether the candidate will say which build it is, and has not yet."""
        is_told = bool(self.plan.build_header) or self.plan.build_health is not None
        return is_told and not self.has_asked

    @property
    def epoch_key(self) -> str:
        """What evidence is filed under now."""
        return epoch_key(self.known.build, self.digest)
