"""What is left of a trial once it has ended, and who takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.comparison import Comparison
from gateway.parallel_run.observation import Asked, Observation
from gateway.parallel_run.strata import Stratum

Side = Literal["control", "candidate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """One eligible request that was put through a parallel run, and its class."""

    run: str
    epoch_key: str
    """The candidate's build and a digest of the rules: evidence of one key belongs together."""
    trial_id: str
    """32 hexadecimal digits, its own."""
    trace_id: str = ""
    """Of the customer's request, likewise; empty: the trial's own stands for it."""
    route: str
    stratum: Stratum
    became: TrialClass
    fingerprint: str
    """Hexadecimal; the same for the same request: of its method, canonical target, compared request
    headers and body. Empty where none was looked at."""
    at_s: float
    """When the control began, seconds since 1970."""
    control: Observation | None = None
    candidate: Observation | None = None
    second: Observation | None = field(default=None)
    """The second control, or the control asked once more; None if neither was."""
    comparison: Comparison | None = None
    """None where the two sides were not compared."""
    asked: Asked | None = None
    """As the control got it."""
    second_comparison: Comparison | None = None
    """The control against the second control; None if none was asked. What noise is learned of."""
    again_comparison: Comparison | None = None
    """The candidate against itself, asked twice; None if it was not."""


class TrialSink(Protocol):
    """Where trials end: the ledger. Called on control's event loop, and must not block."""

    def began(self, run: str) -> None:
        """Note that a trial is under way: should control die, it is counted as lost."""

    def told_before(self, run: str, count: int) -> None:
        """Take a count of requests that a control before this one was told of.

        What it had not written of them is lost.
        """

    def gone(self, run: str) -> None:
        """Note that a trial has ended of which nothing is known but that: its run is not there."""

    def ended(self, result: TrialResult) -> None:
        """Take a trial that has ended."""

    def left_out(
        self, run: str, epoch_key: str, uncompared: Mapping[tuple[Stratum, TrialClass], int]
    ) -> None:
        """Take counts of requests that no trial was made of, since the last call.

        Workers tell them four times a second. Requests that were not sampled are not among them:
        the run's sheet has them.
        """

    def not_sampled(self, run: str, epoch_key: str, count: int) -> None:
        """Take a count of eligible requests that were not chosen, since the last call."""
