"""Accounts in the database; ``budgets`` decides, this reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.ledger.budgets import EVERYBODY
from image_service.ledger.rows import AccountRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What changes in a customer's account, in millionths of a dollar; may be negative."""

    period: str
    customer: str
    reserved: int
    spent: int


async def used(
    connection: AsyncConnection, period: str, customers: Iterable[str]
) -> dict[str, int]:
    """Return what is spent and reserved, by customer and of everybody.

    On PostgreSQL the accounts stay locked until the transaction ends, so that two services do not
    spend the same dollar; SQLite has one writer anyway.
    """
    names = sorted({*customers, EVERYBODY})
    await _open(connection, period, [EVERYBODY])
    rows = await connection.execute(
        select(AccountRow.customer, AccountRow.reserved, AccountRow.spent)
        .where(AccountRow.period == period, AccountRow.customer.in_(names))
        .order_by(AccountRow.customer)
        .with_for_update()
    )
    return {customer: reserved + spent for customer, reserved, spent in rows}


async def _open(connection: AsyncConnection, period: str, customers: Sequence[str]) -> None:
    """Make sure that there is a row to lock: everybody's is, so two services take turns."""
    rows = [{"period": period, "customer": name, "reserved": 0, "spent": 0} for name in customers]
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    await connection.execute(insert(AccountRow).on_conflict_do_nothing(), rows)


async def move(connection: AsyncConnection, movements: Sequence[Movement]) -> None:
    """Add to the accounts; a customer's and everybody's."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for movement in movements:
        if movement.reserved == 0 and movement.spent == 0:
            continue
        for customer in (EVERYBODY, movement.customer):
            account = (movement.period, customer)
            reserved, spent = sums.get(account, (0, 0))
            sums[account] = (reserved + movement.reserved, spent + movement.spent)
    if not sums:
        return
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(AccountRow)
    statement = statement.on_conflict_do_update(
        index_elements=[AccountRow.period, AccountRow.customer],
        set_={
            "reserved": AccountRow.reserved + statement.excluded.reserved,
            "spent": AccountRow.spent + statement.excluded.spent,
        },
    )
    # Everybody in the same order, so that two transactions never wait for each other.
    await connection.execute(
        statement,
        [
            {"period": period, "customer": customer, "reserved": reserved, "spent": spent}
            for (period, customer), (reserved, spent) in sorted(sums.items())
        ],
    )
