"""Which part of the customers moves when a split changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.layout import lay_out
from gateway.routing.moves import Move, moves
from gateway.routing.snapshot import BUCKETS
from gateway.routing.split import Split


def test_a_growing_weight_of_two_moves_customers_one_way() -> None:
    before, after = lay_out({"new": 5_000, "old": "rest"}), lay_out({"new": 25_000, "old": "rest"})
    (only,) = moves(before, after)
    assert only == Move(origin="old", target="new", buckets=20_000)
    assert only.percent == 20.0
    (back,) = moves(after, before)
    assert (back.origin, back.target, back.buckets) == ("new", "old", 20_000)


def test_with_three_a_weight_shifts_those_that_come_behind_it() -> None:
    before = lay_out({"a": 10_000, "b": 10_000, "c": "rest"})
    after = lay_out({"a": 20_000, "b": 10_000, "c": "rest"})
    assert [(move.origin, move.target, move.buckets) for move in moves(before, after)] == [
        ("b", "a", 10_000),
        ("c", "b", 10_000),
    ]


_weights = st.tuples(st.integers(0, BUCKETS), st.integers(0, BUCKETS)).map(sorted)


@given(_weights, _weights, st.lists(st.integers(0, BUCKETS - 1), max_size=50))
def test_a_bucket_moves_exactly_if_its_backend_changes(
    one: list[int], other: list[int], buckets: list[int]
) -> None:
    shares = [lay_out({"a": low, "b": high - low, "c": "rest"}) for low, high in (one, other)]
    found = {(move.origin, move.target) for move in moves(*shares)}
    before, after = map(Split, shares)
    for bucket in buckets:
        sides = (before.backend(bucket), after.backend(bucket))
        assert sides[0] == sides[1] or sides in found
    counted = sum(
        min(a.end, b.end) - max(a.start, b.start)
        for a in shares[0]
        for b in shares[1]
        if a.backend != b.backend and min(a.end, b.end) > max(a.start, b.start)
    )
    assert sum(move.buckets for move in moves(*shares)) == counted
