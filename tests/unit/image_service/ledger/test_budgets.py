"""Who may spend how much."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from image_service.ledger.budgets import (
    EVERYBODY,
    Budgets,
    Exceeded,
    PeriodName,
    allow,
    ends_in_s,
    period_at,
)

_BUDGETS = Budgets(customer=100, everybody=500, period="month")
_NOVEMBER = datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("price", "used", "exceeded"),
    [
        (100, {}, None),
        (101, {}, Exceeded(is_global=False, left=100)),
        (10, {"c:7": 90}, None),
        (11, {"c:7": 90}, Exceeded(is_global=False, left=10)),
        (11, {"c:8": 90}, None),
        (10, {EVERYBODY: 495}, Exceeded(is_global=True, left=5)),
        (10, {EVERYBODY: 900}, Exceeded(is_global=True, left=0)),
        # What is free needs no budget.
        (0, {"c:7": 900, EVERYBODY: 900}, None),
    ],
)
def test_an_order_is_allowed_while_its_whole_price_is_left(
    price: int, used: dict[str, int], exceeded: Exceeded | None
) -> None:
    assert allow(_BUDGETS, customer="c:7", price=price, used=used) == exceeded


def test_without_limits_everything_is_allowed() -> None:
    unlimited = Budgets(customer=None, everybody=None, period="day")
    assert unlimited.is_unlimited
    assert allow(unlimited, customer="c:7", price=10**12, used={EVERYBODY: 10**15}) is None


@pytest.mark.parametrize(
    ("name", "period", "left_s"), [("month", "2026-11", 31), ("day", "2026-11-30", 31)]
)
def test_periods_are_calendar_days_and_months_in_utc(
    name: PeriodName, period: str, left_s: int
) -> None:
    assert period_at(_NOVEMBER, name) == period
    assert ends_in_s(_NOVEMBER, name) == left_s
    assert period_at(_NOVEMBER + left_s, name) != period
