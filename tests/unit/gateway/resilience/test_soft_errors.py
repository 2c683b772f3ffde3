"""Which answers that say 200 count as something else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.json_path import JsonPath
from gateway.resilience.soft_errors import MAX_BODY_BYTES, SoftError, SoftErrors, is_json

_ERRORS = SoftErrors([SoftError(200, JsonPath("$.error"), None, 404)])


def _one(path: str, equals: str | int | float | bool | None, counts_as: int = 404) -> SoftErrors:
    return SoftErrors([SoftError(200, JsonPath(path), equals, counts_as)])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"error": "no such product"}', 404),
        (b'{"error": {"code": 1}}', 404),
        (b'{"error": 1}', 404),
        (b'{"error": true}', 404),
        (b'{"\\u0065rror": "written oddly"}', 404),
        (b'{"error": null}', 200),
        (b'{"error": false}', 200),
        (b'{"error": ""}', 200),
        (b'{"error": 0}', 200),
        (b'{"error": []}', 200),
        (b'{"error": {}}', 200),
        (b'{"errors": "another"}', 200),
        (b'{"message": "no \\"error\\""}', 200),
        (b'{"price": Infinity, "error": "not JSON"}', 200),
        (b'[{"error": "inside"}]', 200),
        (b'"error"', 200),
        (b"", 200),
        (b'{"error": "cut sh', 200),
        (b'{"error": "\xff"}', 200),
        (b'{"error":' * 400, 200),
        (b"[" * MAX_BODY_BYTES + b'"error"', 200),
    ],
)
def test_a_body_with_something_at_the_path_counts_as_declared(body: bytes, status: int) -> None:
    assert _ERRORS.status_of(200, body) == status


@pytest.mark.parametrize(
    ("equals", "body", "status"),
    [
        ("failed", b'{"state": "failed"}', 404),
        ("failed", b'{"state": "done"}', 200),
        (False, b'{"state": false}', 404),
        (False, b'{"state": 0}', 200),
        (False, b"{}", 200),
        (0, b'{"state": 0}', 404),
        (0, b'{"state": 0.0}', 404),
        (0, b'{"state": false}', 200),
        (1.5, b'{"state": 1.5}', 404),
        (1, b'{"state": true}', 200),
        (1, b'{"state": "1"}', 200),
    ],
)
def test_a_value_can_be_asked_for(equals: str | float | bool, body: bytes, status: int) -> None:
    assert _one("$.state", equals).status_of(200, body) == status


def test_the_first_rule_that_matches_counts() -> None:
    rules = SoftErrors(
        [
            SoftError(201, JsonPath("$.error"), None, 400),
            SoftError(200, JsonPath("$.code"), "busy", 503),
            SoftError(200, JsonPath("$.error"), None, 404),
        ]
    )
    body = b'{"error": "later", "code": "busy"}'
    assert rules.status_of(200, body) == 503
    assert rules.status_of(200, b'{"error": "x", "code": "y"}') == 404
    assert rules.status_of(201, body) == 400


@pytest.mark.parametrize(
    ("status", "length_bytes", "may"),
    [
        (200, 10, True),
        (200, MAX_BODY_BYTES, True),
        (200, MAX_BODY_BYTES + 1, False),
        (200, 0, False),
        (201, 10, False),
    ],
)
def test_only_short_answers_of_a_declared_status_are_looked_into(
    status: int, length_bytes: int, may: bool
) -> None:
    assert _ERRORS.may_match(status, length_bytes) is may


@pytest.mark.parametrize(
    ("value", "is_it"),
    [
        (b"application/json", True),
        (b"Application/JSON; charset=utf-8", True),
        (b"application/problem+json", True),
        (b" application/json ", True),
        (b"application/jsonp", False),
        (b"text/json-like", False),
        (b"", False),
    ],
)
def test_what_says_that_it_is_json(value: bytes, is_it: bool) -> None:
    assert is_json(value) is is_it


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_body_breaks_it(body: bytes) -> None:
    assert _ERRORS.status_of(200, body) in {200, 404}


_json = st.dictionaries(
    st.sampled_from(["error", "e", "caf\u00e9", '"']), st.none() | st.text() | st.integers(0, 2)
)


@given(_json, st.booleans())
def test_what_is_skipped_is_what_would_not_match(value: dict[str, object], as_ascii: bool) -> None:
    body = json.dumps(value, ensure_ascii=as_ascii).encode()
    assert (_ERRORS.status_of(200, body) == 404) is bool(value.get("error"))
