"""Paths into JSON: where they lead, and which are refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.json_path import MAX_STEPS, JsonPath, JsonPathError

_SHOP = {
    "error": "no such image",
    "items": [{"id": 1, "made-at": "now"}, {"id": 2}, 3],
    "caf\u00e9": {"*": {"": 7}},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [_SHOP]),
        ("$.error", ["no such image"]),
        ("$['error']", ["no such image"]),
        ('$["error"]', ["no such image"]),
        ("$.errors", []),
        ("$.error.error", []),
        ("$.error[0]", []),
        ("$.items[0].id", [1]),
        ("$.items[-1]", [3]),
        ("$.items[3]", []),
        ("$.items[-4]", []),
        ("$.items[*].id", [1, 2]),
        ("$.items.*.id", [1, 2]),
        ("$.items[*]['made-at']", ["now"]),
        ("$.items.id", []),
        ("$[0]", []),
        ("$.caf\u00e9['*']['']", [7]),
        ("$.caf\u00e9.*", [{"": 7}]),
    ],
)
def test_where_paths_lead(path: str, found: list[object]) -> None:
    assert JsonPath(path).find(_SHOP) == found


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "a path begins at the root, $"),
        ("error", "a path begins at the root, $"),
        ("$error", "this does not continue a path, at character 2"),
        ("$.", "a name follows a dot, at character 2"),
        ("$.a-b", "this does not continue a path, at character 4"),
        ("$..error", "descendants (..) are not supported, at character 2"),
        ("$[?@.a]", "filters are not supported, at character 2"),
        ("$.a[1:2]", "this does not continue a path, at character 4"),
        ("$.a[01]", "this does not continue a path, at character 4"),
        ("$.a[-0]", "this does not continue a path, at character 4"),
        ("$['a\\'']", "this does not continue a path, at character 2"),
        ("$.a ", "this does not continue a path, at character 4"),
        ("$.a[9999999999]", "no list has an item 9999999999"),
        ("$" + ".a" * (MAX_STEPS + 1), f"a path has at most {MAX_STEPS} steps"),
        ("$." + "a" * 200, "a path has at most 200 characters"),
    ],
)
def test_what_is_no_path_is_refused(path: str, message: str) -> None:
    with pytest.raises(JsonPathError) as refusal:
        JsonPath(path)
    assert refusal.value.message == message


def test_what_lacks_only_its_root_is_told_how_it_is_written() -> None:
    with pytest.raises(JsonPathError) as refusal:
        JsonPath("error")
    assert refusal.value.hint == "write $.error"


_names = st.text(
    st.characters(exclude_characters="'\\", exclude_categories=["Cs", "Cc"]), max_size=40
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=12,
)


@given(_json, st.lists(_names | st.integers(-3, 3), max_size=4))
def test_a_path_leads_where_its_steps_lead_one_by_one(
    value: object, steps: list[str | int]
) -> None:
    text = "$" + "".join(f"['{step}']" if isinstance(step, str) else f"[{step}]" for step in steps)
    expected = value
    try:
        for step in steps:
            is_fit = isinstance(expected, dict if isinstance(step, str) else list)
            expected = expected[step] if is_fit else {}[step]  # type: ignore[index] # it is fit
    except LookupError:
        assert JsonPath(text).find(value) == []
    else:
        assert JsonPath(text).find(value) == [expected]


@given(_json, _names)
def test_without_its_needle_a_text_cannot_hold_the_path(value: object, name: str) -> None:
    """Unless something in the text is escaped."""
    path, text = JsonPath(f"$['{name}']"), json.dumps(value, ensure_ascii=False).encode()
    if path.find(value):
        assert path.needle in text or b"\\" in text
