"""A sink that keeps nothing: what ended is in the runs' sheets."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.result import TrialResult
from gateway.parallel_run.strata import Stratum


class NoLedger:
    """Takes results and forgets them."""

    def began(self, run: str) -> None:
        """Forget it."""

    def told_before(self, run: str, count: int) -> None:
        """Forget it."""

    def gone(self, run: str) -> None:
        """Forget it."""

    def ended(self, result: TrialResult) -> None:
        """Forget it."""

    def left_out(
        self, run: str, epoch_key: str, uncompared: Mapping[tuple[Stratum, TrialClass], int]
    ) -> None:
        """Forget them."""

    def not_sampled(self, run: str, epoch_key: str, count: int) -> None:
        """Forget them."""
