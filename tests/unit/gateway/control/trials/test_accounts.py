"""Classes and pending are always the eligible ones, whoever dies and whenever."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.control.trials.accounts import Accounts
from gateway.parallel_run.classes import TrialClass
from gateway.proxy.captured import OFFERED

CLASSES = st.sampled_from([TrialClass.MATCHED, TrialClass.MISMATCHED, TrialClass.SHED])
WORKERS = st.integers(0, 2)


class Gateway(RuleBasedStateMachine):
    """Three workers, one link each to the control that there is."""

    def __init__(self) -> None:
        super().__init__()
        self.workers: list[Counter[str]] = [Counter() for _ in range(3)]
        self.gone: Counter[str] = Counter()
        self.on_the_way = [0, 0, 0]
        self.pouring = [[0], [0], [0]]
        """By worker and control: exchanges whose bodies go there while they pass."""
        self.kept: dict[str, dict[str, int]] = {}
        self.control = Accounts({})
        self.pending = 0

    @rule(worker=WORKERS, became=CLASSES)
    def ends_in_the_worker(self, worker: int, became: TrialClass) -> None:
        """Not sampled, too large, shed."""
        self.workers[worker][became.value] += 1

    @rule(worker=WORKERS)
    def is_handed_over(self, worker: int) -> None:
        """It is in the socket."""
        self.workers[worker][OFFERED] += 1
        self.on_the_way[worker] += 1

    @rule(worker=WORKERS)
    def begins_to_pour(self, worker: int) -> None:
        """Nobody is answered yet: it is not eligible."""
        self.pouring[worker][-1] += 1

    @rule(worker=WORKERS, became=CLASSES)
    def gives_up_what_it_pours(self, worker: int, became: TrialClass) -> None:
        """Too large, shed: the worker ends it, and control forgets what it has."""
        if self.pouring[worker][-1]:
            self.pouring[worker][-1] -= 1
            self.workers[worker][became.value] += 1

    @rule(worker=WORKERS)
    def what_it_pours_is_over(self, worker: int) -> None:
        """Handed over where its body is; what went to a control that is gone is lost."""
        *gone, here = self.pouring[worker]
        self.workers[worker][TrialClass.LOST.value] += sum(gone)
        self.workers[worker][OFFERED] += here
        self.on_the_way[worker] += here
        self.pouring[worker] = [0]

    @rule(worker=WORKERS)
    def arrives(self, worker: int) -> None:
        """Whatever one worker has sent."""
        while self.on_the_way[worker]:
            self.on_the_way[worker] -= 1
            self.control.receive("r")
            self.pending += 1

    @precondition(lambda self: self.pending)
    @rule(became=CLASSES)
    def ends_in_control(self, became: TrialClass) -> None:
        """With a class."""
        self.control.end("r", became)
        self.pending -= 1

    @rule()
    def is_kept(self) -> None:
        """The supervisor is told."""
        self.kept = self.control.ended()

    @rule()
    def control_dies(self) -> None:
        """And another hears what each worker has handed over before."""
        self.on_the_way = [0, 0, 0]
        self.pouring = [[*controls, 0] for controls in self.pouring]
        self.pending = 0
        self.control = Accounts(self.kept)
        self.control.handed_over_before({"r": self.gone[OFFERED]})
        for worker in self.workers:
            self.control.handed_over_before({"r": worker[OFFERED]})

    @rule(worker=WORKERS)
    def a_worker_dies(self, worker: int) -> None:
        """With what it had not sent."""
        # What it had not sent, nobody knows of; what it had reported has arrived before.
        self.workers[worker][OFFERED] -= self.on_the_way[worker]
        self.on_the_way[worker] = 0
        self.pouring[worker] = [0]
        self.gone += self.workers[worker]
        self.workers[worker] = Counter()

    @invariant()
    def it_sums(self) -> None:
        """At any moment."""
        here = self.gone + sum(self.workers, Counter())
        sheet = self.control.sheets({"r": here}).get("r")
        if sheet is not None:
            assert sheet.pending == self.pending
            assert sum(count for _, count in sheet) + sheet.pending == sheet.eligible
            # One worker's unsent ones are not known yet; nothing is counted twice.
            assert sheet.eligible == here.total() - sum(self.on_the_way)


TestAccounts = Gateway.TestCase
TestAccounts.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
