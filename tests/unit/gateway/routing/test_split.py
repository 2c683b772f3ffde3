"""Buckets and shares: the same customer always, as many of them as the weight says."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.snapshot import BUCKETS
from gateway.routing.split import Split, bucket_of, bucket_of_draw
from tests.unit.gateway.routing.shop import shares


@pytest.mark.parametrize(
    ("value", "digest"),
    [
        # XXH64 with seed 0, as its specification defines it.
        pytest.param(b"", 0xEF46DB3751D8E999, id="empty"),
        pytest.param(b"a", 0xD24EC4F1A98C6E5B, id="a"),
        pytest.param(b"abc", 0x44BC2CF5AD770999, id="abc"),
    ],
)
def test_a_bucket_is_xxh64_modulo_100_000_as_other_proxies_can_compute_it(
    value: bytes, digest: int
) -> None:
    assert digest % 100_000 == bucket_of(value)


@pytest.mark.parametrize(
    ("value", "bucket"),
    [
        # Worked out from the specification of XXH64, not by the library that is used.
        pytest.param(b"7", 22_455, id="one-byte"),
        pytest.param(b"\xff\x00", 72_562, id="not-ascii"),
        pytest.param(b"customer-42", 2_895, id="more-than-eight-bytes"),
        pytest.param(b"203.0.113.9", 81_451, id="address"),
        pytest.param(b"2f1c9a0e-5b7d-4a64-9d0e-3c8b1f6a7e52", 64_046, id="more-than-32-bytes"),
    ],
)
def test_a_customer_keeps_its_bucket_over_releases(value: bytes, bucket: int) -> None:
    assert bucket == bucket_of(value)


@given(st.binary(max_size=100))
@settings(max_examples=50)
def test_every_value_has_a_bucket(value: bytes) -> None:
    assert 0 <= bucket_of(value) < BUCKETS


@pytest.mark.parametrize(
    ("draw", "bucket"),
    [
        pytest.param(0.0, 0, id="lowest"),
        pytest.param(0.5, 50_000, id="half"),
        pytest.param(math.nextafter(1.0, 0.0), BUCKETS - 1, id="highest"),
        pytest.param(5e-324, 0, id="smallest-positive"),
    ],
)
def test_a_draw_has_a_bucket_up_to_its_ends(draw: float, bucket: int) -> None:
    assert bucket == bucket_of_draw(draw)


def test_a_backend_owns_its_half_open_share_and_nothing_else() -> None:
    split = Split(shares(a=1, b=49_999, c=50_000))
    edges = {0: "a", 1: "b", 49_999: "b", 50_000: "c", BUCKETS - 1: "c"}
    assert edges == {bucket: split.backend(bucket) for bucket in edges}


def test_all_buckets_are_covered_by_exactly_as_many_as_the_weights_say() -> None:
    split = Split(shares(a=12_345, b=0, c=1, d=BUCKETS - 12_346))
    counted = dict.fromkeys("abcd", 0)
    for bucket in range(BUCKETS):
        counted[split.backend(bucket)] += 1
    assert counted == {"a": 12_345, "b": 0, "c": 1, "d": BUCKETS - 12_346}


_WEIGHTS = st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any)


@given(_WEIGHTS, st.floats(0, 1, exclude_max=True))
@settings(max_examples=50)
def test_a_share_of_weight_zero_is_never_chosen(weights: list[int], draw: float) -> None:
    unit = BUCKETS // sum(weights)
    sizes = {f"b{n}": weight * unit for n, weight in enumerate(weights)}
    last = max((name for name in sizes if sizes[name]), key=list(sizes).index)
    sizes[last] += BUCKETS - sum(sizes.values())
    split = Split(shares(**sizes))
    buckets = {0, BUCKETS - 1, bucket_of_draw(draw)}
    edges = list(itertools.accumulate(sizes.values()))
    buckets |= {bucket for edge in edges for bucket in (edge - 1, edge) if 0 <= bucket < BUCKETS}
    assert all(sizes[split.backend(bucket)] for bucket in buckets)


@given(st.integers(0, BUCKETS), st.integers(0, BUCKETS), st.integers(0, BUCKETS - 1))
@settings(max_examples=100)
def test_of_two_backends_a_growing_weight_moves_customers_one_way_only(
    one: int, other: int, bucket: int
) -> None:
    less, more = sorted((one, other))
    before = Split(shares(new=less, old=BUCKETS - less)).backend(bucket)
    after = Split(shares(new=more, old=BUCKETS - more)).backend(bucket)
    assert (before, after) != ("new", "old")
    assert (before != after) == (less <= bucket < more)
