"""Who may spend how much, decided purely. Money is in millionths of a dollar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

EVERYBODY = "*"
"""The account of all customers together."""

PeriodName = Literal["day", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """What may be spent in a period (UTC); None for no limit."""

    customer: int | None
    everybody: int | None
    period: PeriodName

    @property
    def is_unlimited(self) -> bool:
        """Whether there is nothing to look up before an order is taken."""
        return self.customer is None and self.everybody is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceeded:
    """The order would cost more than is left.

    Attributes:
        is_global: Whether everybody's budget is used up, not this customer's.
        left: What is left of it, 0 or more.
    """

    is_global: bool
    left: int


def allow(
    budgets: Budgets, *, customer: str, price: int, used: Mapping[str, int]
) -> Exceeded | None:
    """Decide about one order; None allows it.

    What costs nothing is always allowed.

    Args:
        budgets: The limits.
        customer: Who orders.
        price: What it may cost at most.
        used: Spent and reserved, by customer and of ``EVERYBODY``; who is not there has nothing.
    """
    if price == 0:
        return None
    limits = ((EVERYBODY, budgets.everybody), (customer, budgets.customer))
    for account, limit in limits:
        left = None if limit is None else max(limit - used.get(account, 0), 0)
        if left is not None and price > left:
            return Exceeded(is_global=account == EVERYBODY, left=left)
    return None


def period_at(now: float, name: PeriodName) -> str:
    """Name the period: ``2026-11`` or ``2026-11-23``."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d" if name == "day" else "%Y-%m")


def ends_in_s(now: float, name: PeriodName) -> int:
    """Return in how many seconds the period ends, at least 1."""
    moment = datetime.fromtimestamp(now, UTC)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "day":
        end = midnight + timedelta(days=1)
    else:
        end = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    return max(1, int((end - moment).total_seconds()) + 1)
