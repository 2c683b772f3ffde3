"""Two things that should be equally likely to come out ahead: the sign test, bet by bet.

Where a value cannot be pinned (two answers of the old code differ, too), the question is whether
the candidate differs from the control more often, or more widely, than a second control does. If
it does not, either is ahead in half of the cases that are no tie, whatever the distribution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from gateway.parallel_run.statistics.rate import log_evidence_above, log_needed

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Signs:
    """How often either was ahead."""

    candidate: int = 0
    """Cases in which the candidate was further from the control than the second control."""
    control: int = 0
    """The other way round."""
    ties: int = 0
    """Neither: they say nothing, and are dropped."""

    def add(self, candidate: float, control: float) -> Signs:
        """Count one more case, by both distances from the control."""
        if candidate == control:
            return Signs(self.candidate, self.control, self.ties + 1)
        if candidate > control:
            return Signs(self.candidate + 1, self.control, self.ties)
        return Signs(self.candidate, self.control + 1, self.ties)

    def plus(self, other: Signs) -> Signs:
        """Both together."""
        return Signs(
            self.candidate + other.candidate,
            self.control + other.control,
            self.ties + other.ties,
        )

    @property
    def cases(self) -> int:
        """Ties as well."""
        return self.candidate + self.control + self.ties

    @property
    def log_evidence(self) -> float:
        """Log of the evidence that the candidate is further away."""
        return log_evidence_above(self.candidate + self.control, self.candidate, 0.5)

    @property
    def log_evidence_of_collapse(self) -> float:
        """Log of the evidence that it is nearer: for spreads, where too little is a fault as well.

        A candidate that always paints one picture is never further away than a second control.
        """
        return log_evidence_above(self.candidate + self.control, self.control, 0.5)


def discoveries(log_evidences: Mapping[_Key, float], confidence: float) -> frozenset[_Key]:
    """Which of many hypotheses are refuted, with at most 1 - `confidence` of these wrongly so.

    The e-Benjamini-Hochberg procedure (Wang and Ramdas 2022): of m hypotheses the k with the most
    evidence, for the largest k whose least evidence is m / (alpha k). However they depend on each
    other: paths of one document mostly go wrong together.
    """
    ordered = sorted(log_evidences, key=log_evidences.__getitem__, reverse=True)
    for rank in range(len(ordered), 0, -1):
        least = log_evidences[ordered[rank - 1]]
        if least >= log_needed(confidence) + math.log(len(ordered) / rank):
            return frozenset(ordered[:rank])
    return frozenset()
