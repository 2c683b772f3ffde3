"""Whose turn it is: start-time fair queueing, decided when an order is taken.

Every job gets a rank, and lower ranks go first. A customer's orders take consecutive ranks; the
first of a customer who waits for nothing takes the rank that is being served. So somebody who
orders one picture goes before the second picture of somebody who has ordered a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def ranks(customers: Sequence[str], *, serving: int, last: Mapping[str, int]) -> list[int]:
    """Return the rank of each new order, in the order given.

    Args:
        customers: Who orders.
        serving: The lowest rank that waits; 0 when nothing does.
        last: The highest rank that waits, by customer; who waits for nothing is not there.
    """
    highest = dict(last)
    given = []
    for customer in customers:
        before = highest.get(customer)
        rank = serving if before is None else max(serving, before + 1)
        highest[customer] = rank
        given.append(rank)
    return given
