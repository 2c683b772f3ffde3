"""What exists already stays with the side that made it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.owner import Claim, Claimed, OwnerIndex
from gateway.routing.snapshot import IdPrefix, IdRange, Merge, Owner

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
    ],
)
def test_an_id_belongs_to_the_side_whose_range_holds_it(text: str, backend: str) -> None:
    expected = Claimed(backend, Claim.OWNER, str(int(text)))
    assert expected == _INDEX.claim(b"GET", f"/images/{text}".encode())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"007", id="leading-zeros"),
        pytest.param(b"0" * 200 + b"7", id="many-leading-zeros"),
        pytest.param(b"+7", id="plus"),
        pytest.param(b"%2B7", id="escaped-plus"),
        pytest.param(b"%37", id="escaped-digit"),
        pytest.param(b"%207%20", id="spaces"),
        pytest.param(b"0_7", id="underscore"),
        pytest.param(b"7.", id="point"),
        pytest.param(b"7.0", id="fraction-of-nothing"),
        pytest.param(b"7.5", id="fraction"),
        pytest.param(b"7.json", id="file-ending"),
        pytest.param(b"+007.0", id="all-of-it"),
        pytest.param(b"%D9%A7", id="arabic-seven"),
        pytest.param(b"\xd9\xa7", id="arabic-seven-unescaped"),
        pytest.param(b"%EF%BC%97", id="full-width-seven"),
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"DELETE"])
def test_however_an_id_is_spelt_it_belongs_to_the_side_that_made_it(
    method: bytes, text: bytes
) -> None:
    """A backend that reads the text as 7 has it; to one that does not, it is nowhere."""
    expected = Claimed("legacy", Claim.OWNER, "7")
    assert expected == _INDEX.claim(method, b"/images/" + text + b"/file")


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
        pytest.param(b"1e3", id="exponent"),
        pytest.param(b"0x1", id="hexadecimal"),
        pytest.param("²".encode(), id="superscript-two"),
        pytest.param("²".encode("latin-1"), id="superscript-two-in-latin-1"),
        pytest.param(b"%C2%B2", id="escaped-superscript-two"),
        pytest.param(b"+", id="plus-alone"),
        pytest.param(b"++1", id="two-pluses"),
        pytest.param(b".5", id="fraction-alone"),
        pytest.param(b"1,5", id="decimal-comma"),
        pytest.param(b"1__0", id="two-underscores"),
        pytest.param(b"_1", id="leading-underscore"),
        pytest.param(b"1-a", id="dash"),
        pytest.param(b"65f1c0ffee", id="hexadecimal-that-begins-with-digits"),
        pytest.param(b"%37%FF", id="no-text"),
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


_NAMED = OwnerIndex(
    replace(
        _OWNER,
        prefixes=(
            IdPrefix(backend="image_service", prefix="img_"),
            IdPrefix(backend="image_service", prefix="pic:"),
            IdPrefix(backend="archive", prefix="old-"),
        ),
    )
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b"img_7", ("image_service", Claim.OWNER), id="prefix"),
        pytest.param(b"img_", ("image_service", Claim.OWNER), id="prefix-alone"),
        pytest.param(b"old-img_7", ("archive", Claim.OWNER), id="another-prefix"),
        pytest.param(b"pic:7", ("image_service", Claim.OWNER), id="colon"),
        pytest.param(b"pic%3A7", ("image_service", Claim.OWNER), id="escaped-colon"),
        pytest.param(b"7", ("legacy", Claim.OWNER), id="number-beside-prefixes"),
        pytest.param(b"img", ("finder", Claim.UNKNOWN), id="less-than-the-prefix"),
        pytest.param(b"IMG_7", ("finder", Claim.UNKNOWN), id="case-has-a-meaning"),
        pytest.param(b"x-img_7", ("finder", Claim.UNKNOWN), id="within"),
    ],
)
@pytest.mark.parametrize("below", [b"", b"/", b"/file"])
def test_an_id_belongs_to_the_side_whose_prefix_it_has(
    text: bytes, expected: tuple[str, Claim], below: bytes
) -> None:
    claimed = _NAMED.claim(b"GET", b"/images/" + text + below)
    assert claimed is not None
    assert (claimed.backend, claimed.claim) == expected


_NESTED = OwnerIndex(replace(_OWNER, collection="/shops/{}/images"))


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        (b"GET", b"/shops/3/images/7", Claimed("legacy", Claim.OWNER, "7")),
        (
            b"PUT",
            b"/shops/x/images/1000000001/file",
            Claimed("image_service", Claim.OWNER, "1000000001"),
        ),
        (b"GET", b"/shops/3/images", Claimed("lister", Claim.LIST)),
        (b"GET", b"/shops/3/images/", Claimed("lister", Claim.LIST)),
        (b"POST", b"/shops/3/images", None),
        (b"GET", b"/shops/3/imagesX/7", None),
        (b"GET", b"/shops/images/7", None),
        (b"GET", b"/shops/3/4/images/7", None),
        (b"GET", b"/shops//images/7", None),
        (b"GET", b"/shops/3", None),
        (b"GET", b"/x/shops/3/images/7", None),
    ],
    ids=str,
)
def test_a_collection_may_lie_below_any_one_segment(
    method: bytes, path: bytes, expected: Claimed | None
) -> None:
    """``/shops/{}/images/{id}``: the shop does not matter, the image does."""
    assert _NESTED.claim(method, path) == expected


def test_lists_that_are_merged_belong_to_all_sides_at_once() -> None:
    """GET and HEAD alone: whatever else is asked of the collection has one side to answer it."""
    owner = replace(_OWNER, unknown="legacy", lists="legacy", merge=Merge())
    index = OwnerIndex(owner)
    assert owner.sides == ("legacy", "archive", "image_service")
    everybody = Claimed("legacy+archive+image_service", Claim.LIST)
    assert [index.claim(m, b"/images") for m in (b"GET", b"HEAD")] == [everybody] * 2
    for method in (b"OPTIONS", b"DELETE", b"PUT", b"post", b"get"):
        assert index.claim(method, b"/images/") == Claimed("legacy", Claim.LIST)
    assert index.claim(b"POST", b"/images") is None


@given(st.text(max_size=40), st.sampled_from([b"GET", b"DELETE"]))
@settings(max_examples=100)
def test_whatever_python_takes_for_a_number_is_the_owners(text: str, method: bytes) -> None:
    """No spelling that a backend's own `int` accepts goes to another side than the number does."""
    segment = quote(text, safe="").encode()
    try:
        number = int(text)
    except ValueError:
        return
    if 0 <= number < 10**19:
        plain = _INDEX.claim(method, b"/images/%d" % number)
        assert plain is not None
        claimed = _INDEX.claim(method, b"/images/" + segment)
        assert claimed is not None
        assert claimed.backend == plain.backend


def test_without_ranges_every_id_is_unknown() -> None:
    claimed = OwnerIndex(replace(_OWNER, ranges=())).claim(b"GET", b"/images/7")
    assert claimed == Claimed("finder", Claim.UNKNOWN, "7")


@given(st.lists(st.integers(0, 60), min_size=2, max_size=8, unique=True), st.integers(0, 70))
@settings(max_examples=50)
def test_ranges_are_what_looking_through_them_one_by_one_says(edges: list[int], id_: int) -> None:
    edges.sort()
    pairs = zip(edges[::2], edges[1::2], strict=False)
    ranges = tuple(IdRange(backend=f"b{a}", first=a, last=b) for a, b in pairs)
    claimed = OwnerIndex(replace(_OWNER, ranges=ranges)).claim(b"GET", b"/images/%d" % id_)
    holding = [r.backend for r in ranges if r.last is not None and r.first <= id_ <= r.last]
    assert claimed is not None
    assert claimed.backend == (holding or ["finder"])[0]
