"""The balance sheet of a parallel run: every eligible request ends in exactly one class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum


class TrialClass(StrEnum):
    """What became of an eligible request."""

    MATCHED = "matched"
    """Both sides answered alike."""
    IGNORED = "ignored"
    """They differ only where a declared rule says that it does not matter."""
    NOISE = "noise"
    """They differ only where two controls differ as well; it counts against the candidate until a
    person turns it into a rule."""
    MISMATCHED = "mismatched"
    CANDIDATE_FAILED = "candidate_failed"
    """The control answered, the candidate did not, or with a failure of its own (5xx)."""
    CONTROL_FAILED = "control_failed"
    BOTH_FAILED = "both_failed"
    NOT_REPLICATED = "not_replicated"
    """The candidate does not hold that resource yet: its backfill is not past it."""
    RACED = "raced"
    """The control, asked once more, answered differently itself."""
    COMPARE_FAILED = "compare_failed"
    """A rule or the comparison itself failed, or took longer than it may."""
    NOT_SAMPLED = "not_sampled"
    SHED = "shed"
    """There was no room: customers come first."""
    TOO_LARGE = "too_large"
    OVER_BUDGET = "over_budget"
    CLIENT_GONE = "client_gone"
    """The customer left before the control's answer was complete."""
    UNSAFE_REFUSED = "unsafe_refused"
    """It may change something, and nobody has declared how that may be repeated."""
    LOST = "lost"
    """The process that compared died."""


COUNTED = frozenset(
    {
        TrialClass.MATCHED,
        TrialClass.IGNORED,
        TrialClass.NOISE,
        TrialClass.MISMATCHED,
        TrialClass.CANDIDATE_FAILED,
    }
)
"""The classes of which the statistics' n is made."""
AGAINST = frozenset({TrialClass.NOISE, TrialClass.MISMATCHED, TrialClass.CANDIDATE_FAILED})
"""The classes of which their k is made."""
UNCOMPARED = frozenset(TrialClass) - COUNTED - {TrialClass.NOT_SAMPLED}
"""Requests that were to be compared and were not: they are not a random choice (the slow, the
large, the aborted), so that too many of them spoil the evidence."""


class Sheet:
    """Counts of a run: eligible requests, those still under way, and the classes of the rest."""

    __slots__ = ("_counts", "eligible")

    def __init__(self) -> None:
        self.eligible = 0
        self._counts = dict.fromkeys(TrialClass, 0)

    def begin(self) -> None:
        """Note an eligible request; it is pending."""
        self.eligible += 1

    def end(self, became: TrialClass) -> None:
        """Note what became of a pending one.

        Raises:
            ValueError: None is pending: it would be counted twice.
        """
        if not self.pending:
            raise ValueError(f"{became}: no request is pending")
        self._counts[became] += 1

    @property
    def pending(self) -> int:
        """Requests that have no class yet."""
        return self.eligible - sum(self._counts.values())

    def __getitem__(self, one: TrialClass) -> int:
        return self._counts[one]

    def __iter__(self) -> Iterator[tuple[TrialClass, int]]:
        return iter(self._counts.items())

    def add(self, eligible: int, counts: Mapping[TrialClass, int]) -> None:
        """Add what another sheet counted."""
        self.eligible += eligible
        for one, count in counts.items():
            self._counts[one] += count
