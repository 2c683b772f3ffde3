"""A budget is never overdrawn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run.allowance import Allowance
from gateway.parallel_run.plan import Budget

NOON_S = 1_800_000_000.0


def test_without_limits_everything_is_allowed() -> None:
    allowance = Allowance()
    assert all(allowance.take(Budget(), NOON_S) for _ in range(10_000))


def test_a_day_ends_at_midnight_utc() -> None:
    allowance, budget = Allowance(), Budget(per_day=2)
    day_s = NOON_S // 86_400 * 86_400
    assert [allowance.take(budget, day_s + s) for s in (0, 1, 86_399, 86_400)] == [
        True,
        True,
        False,
        True,
    ]


@given(st.floats(0.1, 50), st.lists(st.floats(0, 3), max_size=60))
def test_no_more_than_a_seconds_worth_beyond_the_rate(rate: float, gaps: list[float]) -> None:
    allowance, budget, now_s, taken = Allowance(), Budget(per_second=rate), NOON_S, 0
    for gap_s in gaps:
        now_s += gap_s
        taken += allowance.take(budget, now_s)
    assert taken <= rate * (now_s - NOON_S) + max(rate, 1.0) + 1e-3  # of rounding
