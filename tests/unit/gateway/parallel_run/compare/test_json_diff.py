"""Where two JSON documents differ."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.compare.findings import MOST_FOUND
from gateway.parallel_run.compare.json_diff import MOST_DEPTH
from gateway.parallel_run.plan import Place, Rules
from tests.unit.gateway.parallel_run.compare.laying import answer, lay, lay_json, places

UNORDERED = Rules(unordered=(Place(json="$"), Place(json="$.tags")))

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        ({"a": 1}, {"a": 2}, ["json:$.a value"]),
        ({"a": 1}, {"a": "1"}, ["json:$.a type"]),
        ({"a": 1}, {"a": 1.0}, ["json:$.a type"]),
        ({"a": 1}, {"a": True}, ["json:$.a type"]),
        ({"a": None}, {}, ["json:$.a missing"]),
        ({}, {"a": None}, ["json:$.a extra"]),
        ({"a b": 1}, {"a b": 2}, ['json:$["a b"] value']),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, ["json:$.a.b[*] value"]),
        ([1, 2, 3], [3, 2, 1], ["json:$ order"]),
        ([1, 2, 3], [1, 2], ["json:$ length"]),
        ({"a": []}, {"a": {}}, ["json:$.a type"]),
        ([], {}, ["json:$ type"]),
        ("x", "y", ["json:$ value"]),
        ([{"id": 1}, {"id": 2}], [{"id": 2}], ["json:$[*] missing"]),
        ([{"id": 1}], [{"id": 1}, {"id": 2}], ["json:$[*] extra"]),
        ([{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 1}], ["json:$ order"]),
        (
            [{"id": 1, "p": 1}, {"id": 2, "p": 2}],
            [{"id": 2, "p": 3}, {"id": 1, "p": 1}],
            ["json:$[*].p value", "json:$ order"],
        ),
        ([{"id": 1}, {"id": 1}], [{"id": 1}], ["json:$ length"]),
    ],
)
def test_each_kind_of_difference_has_its_place(
    control: object, candidate: object, found: list[str]
) -> None:
    comparison = lay_json(control, candidate)
    assert places(comparison) == found
    assert comparison.became is TrialClass.MISMATCHED


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        ([1, 2, 3], [3, 1, 2], []),
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}, []),
        ([1, 2, 3], [3, 1, 4], ["json:$[*] value"]),
        ([1, 2], [2], ["json:$[*] missing"]),
        ([2], [1, 2], ["json:$[*] extra"]),
        ([1, 1, 2], [1, 2, 2], ["json:$[*] value"]),
        ([{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 1}], []),
        ({"other": [1, 2]}, {"other": [2, 1]}, ["json:$.other order"]),
    ],
)
def test_order_says_nothing_where_that_is_declared(
    control: object, candidate: object, found: list[str]
) -> None:
    assert places(lay_json(control, candidate, UNORDERED)) == found


def test_differences_of_one_kind_at_one_place_are_counted_and_the_first_is_shown() -> None:
    (found,) = lay_json(
        [{"id": n, "p": n} for n in range(900)], [{"id": n, "p": -1} for n in range(900)]
    ).mismatches
    assert (found.place, found.times, found.control, found.candidate) == (
        "json:$[*].p",
        900,
        "0",
        "-1",
    )


def test_documents_that_have_nothing_in_common_are_told_of_in_bounded_space() -> None:
    control = {f"a{n}": 1 for n in range(MOST_FOUND)}
    candidate = {f"b{n}": 1 for n in range(MOST_FOUND)}
    comparison = lay_json(control, candidate)
    assert len(comparison.mismatches) == MOST_FOUND
    assert comparison.omitted == MOST_FOUND


@pytest.mark.parametrize(
    ("control", "candidate"),
    [
        (b'{"a": 1, "b": 2}', b'{"b":2,"a":1}'),
        (b'"\\u00e3"', '"ã"'.encode()),
        (b"1.0", b"1.00"),
        (b"[Infinity]", b"[Infinity ]"),
        (b'"\\ud800"', b' "\\ud800"'),
        (b"\xef\xbb\xbf{}", b"{}"),
        ("{}".encode("utf-16"), b"{}"),
        (b'{"a":1,"a":2}', b'{"a":2}'),
    ],
)
def test_two_writings_of_one_value_match(control: bytes, candidate: bytes) -> None:
    assert lay(answer(control), answer(candidate)).became is TrialClass.MATCHED


@pytest.mark.parametrize(
    ("control", "candidate"),
    [
        (b"[Infinity]", b"[null]"),
        (b"[NaN]", b"[Infinity]"),
        (b"[1e400]", b"[Infinity]"),
        (b"1e2", b"100"),
    ],
)
def test_numbers_that_only_look_alike_do_not(control: bytes, candidate: bytes) -> None:
    assert lay(answer(control), answer(candidate)).became is TrialClass.MISMATCHED


def test_a_candidate_that_is_no_json_is_unreadable() -> None:
    comparison = lay(answer(b"{}"), answer(b"<html>"))
    assert places(comparison) == ["body unreadable"]


def test_what_was_no_json_on_the_control_either_is_text() -> None:
    assert places(lay(answer(b"oops\n1"), answer(b"oops\n2"))) == ["text:line value"]


def test_a_document_that_goes_too_deep_is_not_compared_and_says_so() -> None:
    deep = "[" * (MOST_DEPTH + 2) + "{}" + "]" * (MOST_DEPTH + 2)
    comparison = lay(answer(deep.format(1).encode()), answer(deep.format(2).encode()))
    assert comparison.became is TrialClass.COMPARE_FAILED
    assert comparison.fault == f"more than {MOST_DEPTH} levels"


@given(values)
def test_a_value_is_equal_to_itself_however_it_is_written(value: object) -> None:
    control, candidate = json.dumps(value, indent=1), json.dumps(value, sort_keys=True)
    assert lay(answer(control.encode()), answer(candidate.encode())).became is TrialClass.MATCHED


@given(values, values)
def test_values_match_if_and_only_if_their_sorted_writings_are_equal(a: object, b: object) -> None:
    is_equal = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert (lay_json(a, b).became is TrialClass.MATCHED) == is_equal


@given(values, values)
def test_what_is_found_is_found_from_the_other_side_as_well(a: object, b: object) -> None:
    there, back = places(lay_json(a, b)), places(lay_json(b, a))
    turned = {"missing": "extra", "extra": "missing"}
    swapped = []
    for each in back:
        place, kind = each.rsplit(" ", 1)
        swapped.append(f"{place} {turned.get(kind, kind)}")
    assert sorted(there) == sorted(swapped)
