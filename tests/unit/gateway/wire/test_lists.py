"""Lists of several sides become one: each resource once, each record as it was written."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.lists import Merger, NotAListError, Part, Recipe

_OLD, _NEW, _FIRST_NEW = "legacy", "image_service", 1_000


def _owner_of(text: bytes) -> str | None:
    if text.isdigit():
        return _OLD if int(text) < _FIRST_NEW else _NEW
    return _NEW if text.startswith(b"img_") else None


def _merger(
    order: Literal["ascending", "descending", "as_listed"] = "ascending", *keys: str
) -> Merger:
    return Merger(Recipe(id=keys or ("id",), order=order, owner_of=_owner_of))


def _merge(old: bytes, new: bytes, merger: Merger | None = None) -> bytes:
    parts = [Part(backend=_OLD, body=old), Part(backend=_NEW, body=new)]
    return (merger or _merger()).merge(parts)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(b"[]\n", b"[]", b"[]\n", id="nothing"),
        pytest.param(b" [ ] ", b"[]", b" [ ] ", id="nothing-with-space"),
        pytest.param(
            b'[{"id":1},{"id":7}]\n',
            b'[{"id":1000}]',
            b'[{"id":1},{"id":7},{"id":1000}]\n',
            id="one-after-the-other",
        ),
        pytest.param(
            b"[]\n", b'[{"id":1000}, {"id":1001}]', b'[{"id":1000}, {"id":1001}]', id="all-new"
        ),
        pytest.param(b'[{"id": 1.50, "x":1}]', b"[]", None, id="a-number-that-is-no-id"),
        pytest.param(
            b'[{"x":1.50,"n":"\\u00e3","id":1},{"id":2,"x":1e2}]',
            b'[{ "id":1000 }]',
            b'[{"x":1.50,"n":"\\u00e3","id":1},{"id":2,"x":1e2},{ "id":1000 }]',
            id="records-keep-their-bytes",
        ),
        pytest.param(
            b'[\n  {"id":1},\n  {"id":2}\n]\n',
            b'[{"id":1000}]',
            b'[\n  {"id":1},\n  {"id":2},\n  {"id":1000}\n]\n',
            id="as-the-first-is-written",
        ),
        pytest.param(
            b'[\n  {"id":1}\n]\n',
            b'[{"id":1000}]',
            b'[\n  {"id":1},\n  {"id":1000}\n]\n',
            id="one-record-shows-how-it-is-written",
        ),
        pytest.param(
            b'[{"id":1}]',
            b'[{"id":1,"copy":true},{"id":1000}]',
            b'[{"id":1},{"id":1000}]',
            id="the-owners-copy-wins",
        ),
        pytest.param(
            b'[{"id":1000,"copy":true}]', b"[]", b"[]", id="what-its-owner-has-deleted-is-gone"
        ),
        pytest.param(
            b'[{"id":"x","from":"old"}]',
            b'[{"id":"x","from":"new"},{"id":"y"}]',
            b'[{"id":"x","from":"old"},{"id":"y"}]',
            id="unknown-ids-are-the-firsts",
        ),
        pytest.param(
            b'[{"id":"b"},{"id":2},{"id":1}]',
            b'[{"id":"img_1"},{"id":1000}]',
            b'[{"id":1},{"id":2},{"id":1000},{"id":"b"},{"id":"img_1"}]',
            id="numbers-before-text",
        ),
        pytest.param(
            b'[{"id":1},{"id":1}]', b"[]", b'[{"id":1},{"id":1}]', id="what-a-side-lists-twice"
        ),
    ],
)
def test_two_lists_become_one(old: bytes, new: bytes, expected: bytes | None) -> None:
    if expected is None:
        with pytest.raises(NotAListError):
            _merge(old, new)
    else:
        assert _merge(old, new) == expected


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("ascending", [2, 3, 1000, 1005]),
        ("descending", [1005, 1000, 3, 2]),
        ("as_listed", [3, 2, 1005, 1000]),
    ],
)
def test_the_order_is_the_declared_one(
    order: Literal["ascending", "descending", "as_listed"], ids: list[int]
) -> None:
    merged = _merge(b'[{"id":3},{"id":2}]', b'[{"id":1005},{"id":1000}]', _merger(order))
    assert [record["id"] for record in json.loads(merged)] == ids


def test_the_id_may_lie_within_a_record() -> None:
    old, new = b'[{"image":{"id":5}}]', b'[{"x":1,"image":{"y":[],"id":1000}}]'
    merged = _merge(old, new, _merger("descending", "image", "id"))
    assert merged == b'[{"x":1,"image":{"y":[],"id":1000}},{"image":{"id":5}}]'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(b"", "not a JSON array", id="nothing"),
        pytest.param(b"{}", "not a JSON array", id="an-object"),
        pytest.param(b'{"error":"x"}\n', "not a JSON array", id="an-error"),
        pytest.param(b"null", "not a JSON array", id="null"),
        pytest.param(b"<html>", "not a JSON array", id="a-page"),
        pytest.param(b'[{"id":1}', "not a JSON array", id="half"),
        pytest.param(b'[{"id":1}]x', "not a JSON array", id="something-behind"),
        pytest.param(b'[{"id":1},]', "not a JSON array", id="trailing-comma"),
        pytest.param(b"\xef\xbb\xbf[]", "not a JSON array", id="byte-order-mark"),
        pytest.param(b'[{"id":1,"x":NaN}]', "not a JSON array", id="nan"),
        pytest.param(b"[" * 100_000, "not a JSON array", id="deep"),
        pytest.param(b"[1]", "a record without $.id", id="no-objects"),
        pytest.param(b"[{}]", "a record without $.id", id="no-id"),
        pytest.param(b'[{"id":null}]', "a record without $.id", id="null-id"),
        pytest.param(b'[{"id":true}]', "a record without $.id", id="boolean-id"),
        pytest.param(b'[{"id":1.5}]', "a record without $.id", id="fraction"),
        pytest.param(b'[{"id":[1]}]', "a record without $.id", id="list-id"),
        pytest.param(b'[{"id":"\xff"}]', "a record without $.id", id="no-utf-8"),
    ],
)
@pytest.mark.parametrize("side", [0, 1])
def test_a_side_without_a_list_is_never_half_of_one(body: bytes, why: str, side: int) -> None:
    good = (b'[{"id":1}]', b'[{"id":1000}]')
    old, new = (body, good[1]) if side == 0 else (good[0], body)
    with pytest.raises(NotAListError, match=re.escape(f"{(_OLD, _NEW)[side]}: {why}")):
        _merge(old, new)


_RECORDS = st.dictionaries(
    st.integers(0, 2_000) | st.text("ab_", min_size=1, max_size=4),
    st.dictionaries(
        st.text(max_size=3),
        st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        max_size=2,
    ),
    max_size=6,
)


def _written(records: dict[Any, Any], style: dict[str, Any]) -> bytes:
    return json.dumps([{**value, "id": id_} for id_, value in records.items()], **style).encode()


_STYLES = st.sampled_from([{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])


@given(_RECORDS, _RECORDS, _STYLES, _STYLES)
def test_every_resource_is_listed_once_by_the_side_that_has_it(
    old: dict[Any, Any], new: dict[Any, Any], style: dict[str, Any], other: dict[str, Any]
) -> None:
    merged = json.loads(_merge(_written(old, style), _written(new, other)))
    expected = {
        str(id_): {**value, "id": id_}
        for side, records in ((_NEW, new), (_OLD, old))
        for id_, value in records.items()
        if _owner_of(str(id_).encode()) in {side, None}
    }
    assert {str(record["id"]): record for record in merged} == expected
    assert len(merged) == len(expected)
    assert merged == sorted(merged, key=lambda r: (isinstance(r["id"], str), r["id"]))


@given(_RECORDS, _STYLES)
def test_with_nothing_to_add_a_sorted_list_is_the_first_sides_to_the_byte(
    records: dict[Any, Any], style: dict[str, Any]
) -> None:
    own = {id_: v for id_, v in records.items() if _owner_of(str(id_).encode()) in {_OLD, None}}
    ordered = sorted(own, key=lambda id_: (isinstance(id_, str), id_))
    body = _written({id_: own[id_] for id_ in ordered}, style) + b"\n"
    assert _merge(body, b"[]") == body
