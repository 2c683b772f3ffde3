"""One trial's word with the egress listener: what either side has asked of collaborators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.parallel_run.compare.calls import BothCalls
from gateway.parallel_run.observation import Observation, Trial
from gateway.parallel_run.plan import Rules

if TYPE_CHECKING:
    from gateway.parallel_run.pinned import PinnedCalls


@dataclass(slots=True)
class Pinning:
    """What was told of one trial, and what is to be made of it."""

    pins: PinnedCalls
    trial: Trial
    rules: Rules
    is_ambiguous: bool = False
    """Whether calls cannot be told apart, so that the answers made of them say nothing."""

    def __post_init__(self) -> None:
        """Tell of the exchange that the customer saw."""
        served = self.trial.control
        self.began(served.backend, served.began_at_s)
        self.ended(served)

    def began(self, backend: str, at_s: float) -> None:
        """Tell that a side is about to be asked."""
        self.pins.begin(self.trial.trial_id, traceparent_of(self.trial), backend, at_s, self.rules)

    def ended(self, seen: Observation) -> None:
        """Tell that it has answered, or not."""
        at_s = seen.began_at_s + seen.duration_s
        self.pins.end(self.trial.trial_id, seen.backend, at_s)

    def settle(self) -> BothCalls | None:
        """Both sides' calls, right behind the other side's answer; None if nobody can tell."""
        settled = self.pins.settle(self.trial.trial_id)
        self.is_ambiguous = settled.is_ambiguous
        if settled.is_ambiguous:
            return None
        first, other = settled.control, settled.candidate
        if self.trial.is_reversed:
            first, other = other, first
        return BothCalls(control=first, candidate=other)


def traceparent_of(trial: Trial) -> str:
    """A field in the trace of the customer's request (W3C Trace Context)."""
    return f"00-{trial.trace_id}-{trial.trial_id[:16]}-01"
