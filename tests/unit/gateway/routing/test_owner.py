"""What exists already stays with the side that made it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.owner import Claim, Claimed, OwnerIndex
from gateway.routing.snapshot import IdRange, Owner

_OWNER = Owner(
    collection="/images",
    ranges=(
        IdRange(backend="legacy", first=1, last=1_000),
        IdRange(backend="archive", first=2_000, last=2_000),
        IdRange(backend="image_service", first=1_000_000_001, last=None),
    ),
    unknown="finder",
    lists="lister",
)
_INDEX = OwnerIndex(_OWNER)


@pytest.mark.parametrize(
    ("text", "backend"),
    [
        pytest.param("1", "legacy", id="first-of-a-range"),
        pytest.param("1000", "legacy", id="last-of-a-range"),
        pytest.param("2000", "archive", id="range-of-one"),
        pytest.param("1000000001", "image_service", id="first-of-the-open-range"),
        pytest.param("9" * 19, "image_service", id="longest"),
        pytest.param("9223372036854775807", "image_service", id="largest-in-a-column"),
        pytest.param("007", "legacy", id="leading-zeros-mean-the-same-number"),
    ],
)
def test_an_id_belongs_to_the_side_whose_range_holds_it(text: str, backend: str) -> None:
    expected = Claimed(backend, Claim.OWNER, str(int(text)))
    assert expected == _INDEX.claim(b"GET", f"/images/{text}".encode())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"0", id="below-every-range"),
        pytest.param(b"1001", id="one-behind-a-range"),
        pytest.param(b"1999", id="one-before-a-range"),
        pytest.param(b"2001", id="one-behind-the-range-of-one"),
        pytest.param(b"1000000000", id="one-before-the-open-range"),
        pytest.param(b"new", id="a-word"),
        pytest.param(b"-1", id="negative"),
        pytest.param(b"+1", id="plus"),
        pytest.param(b"1.0", id="fraction"),
        pytest.param(b"1e3", id="exponent"),
        pytest.param(b"0x1", id="hexadecimal"),
        pytest.param(b"1_0", id="underscore"),
        pytest.param(b"1 ", id="space"),
        pytest.param(b"1%20", id="escaped-space"),
        pytest.param("²".encode(), id="superscript-two"),
        pytest.param("²".encode("latin-1"), id="superscript-two-in-latin-1"),
        pytest.param("٣".encode(), id="arabic-three"),
        pytest.param(b"%C2%B2", id="escaped-superscript-two"),
        pytest.param(b"1" * 20, id="20-digits"),
        pytest.param(b"1" * 30, id="30-digits"),
        pytest.param(b"1" * 10_000, id="more-digits-than-int-takes"),
    ],
)
def test_an_id_in_no_range_is_unknown(text: bytes) -> None:
    expected = Claimed("finder", Claim.UNKNOWN, text.decode("ascii", "replace"))
    assert expected == _INDEX.claim(b"GET", b"/images/" + text)


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"PUT", b"PATCH", b"DELETE", b"POST"])
@pytest.mark.parametrize("below", [b"", b"/", b"/thumbnail", b"/versions/1000000001"])
def test_everything_below_an_id_belongs_to_it_whatever_the_method(
    method: bytes, below: bytes
) -> None:
    assert Claimed("legacy", Claim.OWNER, "7") == _INDEX.claim(method, b"/images/7" + below)


def test_an_empty_id_is_unknown() -> None:
    assert Claimed("finder", Claim.UNKNOWN, "") == _INDEX.claim(b"GET", b"/images//7")


@pytest.mark.parametrize("path", [b"/images", b"/images/"])
def test_creation_is_new_work(path: bytes) -> None:
    assert _INDEX.claim(b"POST", path) is None


@pytest.mark.parametrize("path", [b"/images", b"/images/"])
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"post"])
def test_everything_else_on_the_collection_goes_to_the_side_that_lists(
    method: bytes, path: bytes
) -> None:
    assert Claimed("lister", Claim.LIST) == _INDEX.claim(method, path)


@pytest.mark.parametrize(
    "path", [b"/imagesX", b"/imagesX/7", b"/image", b"/", b"*", b"/Images/7", b"/x/images/7"]
)
def test_what_is_not_of_the_collection_is_claimed_by_nobody(path: bytes) -> None:
    assert _INDEX.claim(b"GET", path) is None


def test_a_collection_at_the_root_claims_its_ids_too() -> None:
    index = OwnerIndex(replace(_OWNER, collection="/"))
    assert index.claim(b"GET", b"/7/x") == Claimed("legacy", Claim.OWNER, "7")
    assert index.claim(b"GET", b"/") == Claimed("lister", Claim.LIST)
    assert index.claim(b"POST", b"/") is None


def test_without_ranges_every_id_is_unknown() -> None:
    claimed = OwnerIndex(replace(_OWNER, ranges=())).claim(b"GET", b"/images/7")
    assert claimed == Claimed("finder", Claim.UNKNOWN, "7")


@given(st.lists(st.integers(0, 60), min_size=2, max_size=8, unique=True), st.integers(0, 70))
@settings(max_examples=50, deadline=None)
def test_ranges_are_what_looking_through_them_one_by_one_says(edges: list[int], id_: int) -> None:
    edges.sort()
    pairs = zip(edges[::2], edges[1::2], strict=False)
    ranges = tuple(IdRange(backend=f"b{a}", first=a, last=b) for a, b in pairs)
    claimed = OwnerIndex(replace(_OWNER, ranges=ranges)).claim(b"GET", b"/images/%d" % id_)
    holding = [r.backend for r in ranges if r.last is not None and r.first <= id_ <= r.last]
    assert claimed is not None
    assert claimed.backend == (holding or ["finder"])[0]
