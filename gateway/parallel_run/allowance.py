"""What a run may still take of its budget: a state machine that is handed the time."""

from __future__ import annotations

from gateway.parallel_run.plan import Budget

_DAY_S = 86_400


class Allowance:
    """Counts trials against a budget; survives reloads."""

    def __init__(self) -> None:
        self._tokens = 0.0
        self._filled_at_s: float | None = None
        self._day = -1
        self._today = 0

    @property
    def today(self) -> tuple[int, int]:
        """The day, in days since 1970 (UTC), and the trials of it so far."""
        return self._day, self._today

    def go_on(self, day: int, taken: int) -> None:
        """Count from what was taken of a day before this began."""
        self._day, self._today = day, taken

    def take(self, budget: Budget, now_s: float) -> bool:
        """Whether one more trial is within the budget; then it is counted.

        Args:
            budget: As it is declared now.
            now_s: Seconds since 1970; days are UTC's.
        """
        day = int(now_s // _DAY_S)
        if day != self._day:
            self._day, self._today = day, 0
        if budget.per_day is not None and self._today >= budget.per_day:
            return False
        if budget.per_second is not None and not self._take_token(budget.per_second, now_s):
            return False
        self._today += 1
        return True

    def _take_token(self, per_second: float, now_s: float) -> bool:
        """A second's worth may come at once, and one at least."""
        before, self._filled_at_s = self._filled_at_s, now_s
        most = max(per_second, 1.0)
        if before is None:
            self._tokens = most
        else:
            self._tokens = min(self._tokens + max(now_s - before, 0.0) * per_second, most)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
