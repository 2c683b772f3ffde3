"""Percentages change under steady load, and no customer notices."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from anyio import to_thread

from tests.e2e.conftest import Figures, Start
from tests.support.figueira import Figueira
from tests.support.load import Load, fetch_pictures, side_of, visitors
from tests.support.routes_file import RoutesFile, Way

pytestmark = pytest.mark.e2e

CUSTOMERS = 200
ORDERS_PER_STEP = 85
"""At four percentages: each customer orders twice. One order takes the sides some 30 ms."""
BURST = 40
"""Changes, some ten milliseconds apart."""
_URL = re.compile(r"(?m)^(    url: .*)$(?:\n    max_connections: \d+$)?")
STEPS: tuple[tuple[int, Way], ...] = (
    (25, RoutesFile.rename_over),
    (100, RoutesFile.write_in_place),
    (0, RoutesFile.swap_symlink),
)


async def test_promises_5_and_6_flips_under_load_drop_nothing_and_lose_no_picture(
    start: Start, figures: Figures
) -> None:
    """routes.yaml goes 0, 25, 100, 0 percent while customers shop.

    Not one answer fails or is another's, each customer's orders go where its bucket says, and
    every picture ever ordered is still there in the end.
    """
    with start() as figueira:
        percents = {figueira.status()["revision"]["number"]: 0}
        async with visitors(figueira.port, customers=CUSTOMERS) as load:
            await load.more_orders(ORDERS_PER_STEP)
            for percent, way in STEPS:
                flip = await to_thread.run_sync(figueira.flip, percent, way)
                percents[flip.revision] = percent
                await load.more_orders(ORDERS_PER_STEP)
        assert (load.failures, load.cuts) == ([], [])
        assert await fetch_pictures(figueira.port, load.orders) == []
        assert figueira.stop() == 0
        _check_sides(figueira, load, percents)
        figures["load, answers"] = load.answers
        figures["load, orders"] = len(load.orders)
        figures["load, connections"] = load.connections


async def test_promise_5_a_burst_of_changes_drops_nothing_and_ends_at_the_last(
    start: Start, figures: Figures
) -> None:
    """Both backends and the split change faster than workers can follow, under load.

    Each change replaces the pools of connections: requests in flight end in those they began in.
    """
    with start() as figueira:
        async with visitors(figueira.port, customers=CUSTOMERS) as load:
            await load.more_answers(50)
            for percent in range(1, BURST + 1):
                text = figueira.routes.flipped(percent)
                figueira.routes.rename_over(
                    _URL.sub(rf"\1\n    max_connections: {100 + percent}", text)
                )
                await load.more_answers(2)
            await to_thread.run_sync(lambda: figueira.wait_until_routing(BURST))
            figures["burst, revisions taken in"] = len(figueira.events("revision_accepted"))
            await load.more_answers(50)
        assert (load.failures, load.cuts) == ([], [])
        assert await fetch_pictures(figueira.port, load.orders) == []


def _check_sides(figueira: Figueira, load: Load, percents: dict[int, int]) -> None:
    """Every order went where the revision that decided it sends its customer."""
    lines = {line["trace_id"]: line for line in figueira.access_lines() if "trace_id" in line}
    sides: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for order in load.orders:
        line = lines[order.trace_id]
        percent = percents[line["revision"]]
        expected = side_of(order.customer, percent)
        assert (order.side, line["backend"]) == (expected, expected), (order, line)
        sides[percent][order.customer].add(order.side)
    _check_shares(sides)
    _check_one_way(sides)


def _check_shares(sides: dict[int, dict[int, set[str]]]) -> None:
    """The customers' buckets are spread as evenly as chance spreads them (five sigma)."""
    moved = sum(side == {"image_service"} for side in sides[25].values())
    count = len(sides[25])
    sigma = (count * 0.25 * 0.75) ** 0.5
    assert abs(moved - 0.25 * count) < 5 * sigma, (moved, count)
    assert {frozenset(side) for side in sides[0].values()} == {frozenset({"legacy"})}
    assert {frozenset(side) for side in sides[100].values()} == {frozenset({"image_service"})}


def _check_one_way(sides: dict[int, dict[int, set[str]]]) -> None:
    """At one percentage a customer is on one side; a growing one never moves anybody back."""
    customers = {customer for seen in sides.values() for customer in seen}
    assert len(customers) == CUSTOMERS
    for customer in customers:
        path = [sides[percent][customer] for percent in (0, 25, 100) if customer in sides[percent]]
        assert all(len(side) == 1 for side in path), (customer, path)
        assert path == sorted(path, key=lambda side: "image_service" in side), (customer, path)
