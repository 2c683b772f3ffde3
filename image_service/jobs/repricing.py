"""Jobs that cost more with the worker's provider than they were taken for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.jobs.entries import Entry
from image_service.ledger.accounts import used
from image_service.ledger.budgets import EVERYBODY, Budgets, allow


async def over_budget(
    connection: AsyncConnection, budgets: Budgets, entries: Sequence[Entry], prices: Sequence[int]
) -> dict[str, str]:
    """Return why some jobs may not be begun, by name: a code of ``image_service.problems``.

    What a job was taken for is reserved already; only what its price has grown by is looked at.
    """
    grown: dict[str, list[tuple[Entry, int]]] = defaultdict(list)
    for entry, price in zip(entries, prices, strict=True):
        if price > entry.job.price and not budgets.is_unlimited:
            grown[entry.period].append((entry, price - entry.job.price))
    refused: dict[str, str] = {}
    for period, pairs in sorted(grown.items()):
        spent = await used(connection, period, {entry.customer for entry, _ in pairs})
        for entry, more in pairs:
            reason = allow(budgets, customer=entry.customer, price=more, used=spent)
            if reason is not None:
                code = "global-budget-exceeded" if reason.is_global else "budget-exceeded"
                refused[entry.job.job_id] = code
                continue
            for account in (entry.customer, EVERYBODY):
                spent[account] = spent.get(account, 0) + more
    return refused
