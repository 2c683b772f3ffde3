"""What is counted of a change is what the requests themselves would do, one by one."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.decide import decide
from gateway.routing.snapshot import Route, Snapshot
from gateway.routing.table import Table
from gateway.whatif.impact import FIRST_EXAMPLES, DeadRoute, Impact
from gateway.whatif.tally import Tally
from gateway.whatif.tokens import Tokens
from gateway.wire.messages import RequestHead
from tests.unit.gateway.routing.generated import draws, requests, snapshots
from tests.unit.gateway.routing.shop import CLIENT_IP, MONOLITH, head, images, prefix, snapshot
from tests.unit.gateway.whatif.recorded import KEY, Recorded, end_of


def _impact(old: Snapshot, new: Snapshot, *lines: bytes) -> Impact:
    tally = Tally(old, new, Tokens(KEY))
    tally.begin("access.log")
    tally.add(line.rstrip(b"\n") for line in lines)
    return tally.impact()


@given(snapshots(), snapshots(), st.lists(st.tuples(requests(), draws), max_size=12))
@settings(max_examples=40)
def test_promise_5_the_counts_are_those_of_a_real_replay(
    old: Snapshot, new: Snapshot, traffic: list[tuple[RequestHead, float]]
) -> None:
    """Each request is decided by the real thing under both files, and the moves are counted."""
    recorded, after = Recorded(old), Table(new)
    impact = _impact(old, new, *(recorded.line(request, draw) for request, draw in traffic))
    truth: Counter[tuple[str, ...]] = Counter()
    for request, draw in traffic:
        was = end_of(decide(recorded.table, request, draw))
        is_now = end_of(decide(after, request, draw))
        if (was.backend, was.refusal) != (is_now.backend, is_now.refusal):
            ends = (was.backend or was.refusal, is_now.backend or is_now.refusal)
            truth[was.route, *ends, is_now.route] += 1
    told: Counter[tuple[str, ...]] = Counter(
        {
            (move.route, move.source, move.target, move.new_route): move.requests
            for move in [*impact.moves, *impact.newly_refused, *impact.newly_taken]
        }
    )
    assert told <= truth
    assert (truth - told).total() <= impact.undecidable_requests
    if impact.is_certain:
        assert told == truth
        assert impact.moved == truth.total()
    assert impact.requests + impact.never_routed == len(traffic)
    assert impact.customers_moved.count <= impact.customers.count


def test_customers_writes_and_existing_resources_are_counted_apart() -> None:
    old, new = snapshot(images(0), MONOLITH), snapshot(images(100_000), MONOLITH)
    recorded = Recorded(old)
    by_customer = [
        recorded.line(head("/images", b"POST", {b"x-customer-id": b"%d" % (n % 3)}))
        for n in range(30)
    ]
    others = [recorded.line(head("/images/7")), recorded.line(head("/images"))] * 5
    impact = _impact(old, new, *by_customer, *others)
    (move,) = impact.moves
    assert (move.requests, move.writes, move.existing) == (30, 30, 0)
    assert (move.customers.count, impact.customers_moved.count, impact.customers.count) == (3, 3, 3)
    assert (impact.requests, impact.moved, impact.moved_percent) == (40, 30, 75.0)
    assert len(move.examples) == FIRST_EXAMPLES
    assert move.examples[0].place == "access.log:1"
    without_owner = snapshot(images(100_000, owner=None), MONOLITH)
    impact = _impact(old, without_owner, *by_customer, *others)
    assert (impact.moved, impact.existing_moved, impact.writes_moved) == (40, 10, 30)


def test_customers_who_move_are_among_those_who_were_seen() -> None:
    """Those of a route without sticky are told by their address, beside those with a token."""
    old, new = snapshot(images(0), MONOLITH), snapshot(images(0), _to_image_service("/"))
    recorded = Recorded(old)
    lines = [recorded.line(head("/images", b"POST", {b"x-customer-id": b"1"}, "192.0.2.1"))]
    lines += [recorded.line(head("/", client_ip=f"192.0.2.{n}")) for n in range(1, 6)]
    impact = _impact(old, new, *lines)
    assert (impact.customers_moved.count, impact.customers.count) == (5, 6)


def test_a_customer_stays_one_whatever_the_new_file_tells_customers_by() -> None:
    """Lists and existing resources are decided by nobody's bucket, and are the same people's."""
    old = snapshot(images(5_000), MONOLITH)
    new = snapshot(images(5_000, sticky=(CLIENT_IP,)), MONOLITH)
    recorded = Recorded(old)
    asked = [("/images", b"POST"), ("/images/7", b"GET"), ("/images", b"GET")]
    lines = [
        recorded.line(head(path, method, {b"x-customer-id": b"1"}, "192.0.2.1"))
        for path, method in asked
    ]
    assert _impact(old, new, *lines).customers.count == 1


def _to_image_service(path: str) -> Route:
    return Route(name="all", matches=(prefix(path),), backend="image_service")


def test_routes_that_nobody_takes_and_requests_by_another_route_are_told() -> None:
    shop = Route(name="shop", matches=(prefix("/shop"),), backend="legacy")
    unused = Route(name="unused", matches=(prefix("/unused"),), backend="legacy")
    old = snapshot(shop, unused, MONOLITH)
    again = Route(name="shop-again", matches=(prefix("/shop"),), backend="legacy")
    late = Route(name="shop", matches=(prefix("/late"),), backend="legacy")
    impact = _impact(
        old, snapshot(again, late, unused, MONOLITH), Recorded(old).line(head("/shop/1"))
    )
    assert impact.dead_routes == [
        DeadRoute("shop", 1),
        DeadRoute("unused", 0),
        DeadRoute("monolith", 0),
    ]
    (rerouted,) = impact.rerouted
    assert (rerouted.route, rerouted.new_route) == ("shop", "shop-again")
    assert impact.moved == 0


def test_requests_that_match_nothing_any_more_are_told_with_the_reason() -> None:
    """Only a file without a catch-all can do that, or one that makes a path ambiguous."""
    old, new = snapshot(MONOLITH), snapshot(images(0))
    recorded = Recorded(old)
    impact = _impact(old, new, recorded.line(head("/products")))
    (refused,) = impact.newly_refused
    assert (refused.source, refused.target) == ("legacy", "404 No route takes this request.")
    split = snapshot(images(0), Route(name="rest", matches=(prefix("/"),), backend="other"))
    line = recorded.line(head("/images/../products"))
    (refused,) = _impact(old, split, line).newly_refused
    assert refused.target == "400 The path can be read in more than one way."
    (taken,) = _impact(split, old, Recorded(split).line(head("/images/../products"))).newly_taken
    assert taken.target == "legacy"


def test_what_never_reached_a_route_is_not_counted_as_traffic() -> None:
    old = snapshot(MONOLITH)
    impact = _impact(
        old,
        old,
        b'{"time":"2026-11-23T03:00:00.000Z","method":"","path":"","status":400,"duration_ms":1}',
        b'{"time":"2026-11-23T03:00:00.000Z","method":"GET","path":"/a","status":431,'
        b'"duration_ms":1}',
        b'192.0.2.1 - - [t] "\\x16\\x03" 400 0 "-" "-"',
    )
    assert (impact.requests, impact.never_routed) == (0, 3)
