"""`safety` and `access_log`: what they compile to, and what is said of values that cannot be."""

from __future__ import annotations

import pytest

from gateway.config import load
from gateway.errors import ConfigError
from gateway.routing.snapshot import Safety, Sensitive

_FILE = """\
version: 1
{keys}
backends: {{legacy: {{url: "http://127.0.0.1:1"}}}}
routes:
  - {{name: rest, match: {{path_prefix: /}}, backend: legacy}}
"""


@pytest.mark.parametrize(
    ("written", "percent"), [("10%", 10), ("0%", 0), ("100%", 100), ("0.125%", 0.125)]
)
def test_a_share_is_percent_with_up_to_three_decimals(written: str, percent: float) -> None:
    snapshot = load(_FILE.format(keys=f"safety: {{max_moved: {written}}}").encode())
    assert snapshot.safety == Safety(max_moved_percent=percent)


def test_without_the_keys_nothing_is_refused_and_nothing_declared_sensitive() -> None:
    snapshot = load(_FILE.format(keys="").encode())
    assert (snapshot.safety, snapshot.sensitive) == (None, Sensitive())


def test_names_of_headers_have_no_case_and_keys_of_queries_have() -> None:
    keys = "access_log: {sensitive_headers: [X-Plan, x-plan], sensitive_query: [Code, code]}"
    snapshot = load(_FILE.format(keys=keys).encode())
    assert snapshot.sensitive == Sensitive(headers=("x-plan",), query=("Code", "code"))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            "safety: {max_moved: 10}",
            "2:21: error: safety.max_moved: a share needs a percent sign, not the number 10 "
            "(write 10%)",
        ),
        (
            "safety: {max_moved: 101%}",
            '2:21: error: safety.max_moved: must be between 0% and 100%, not "101%"',
        ),
        (
            "safety: {max_moved: 0.0001%}",
            '2:21: error: safety.max_moved: bad share "0.0001%" (write it like 10% or 0.5%)',
        ),
        (
            "safety: {max_moved: ten}",
            '2:21: error: safety.max_moved: bad share "ten" (write it like 10% or 0.5%)',
        ),
        ("safety: {}", '2:1: error: safety: missing key "max_moved" (add: max_moved: 10%)'),
        ("safety:", "2:8: error: safety: must be a mapping, not nothing"),
        (
            "safety: {max_move: 10%}",
            '2:10: error: safety: unknown key "max_move" (did you mean "max_moved"?)',
        ),
        (
            "access_log: {sensitive_header: [X-A]}",
            '2:14: error: access_log: unknown key "sensitive_header" '
            '(did you mean "sensitive_headers"?)',
        ),
        (
            "access_log: {sensitive_headers: [X A]}",
            '2:34: error: access_log.sensitive_headers[0]: bad name "X A" '
            "(letters, digits and any of !#$%&'*+-.^_`|~)",
        ),
        (
            'access_log: {sensitive_query: [""]}',
            "2:32: error: access_log.sensitive_query[0]: a query key must not be empty",
        ),
        (
            "access_log: {sensitive_headers: X-A}",
            '2:33: error: access_log.sensitive_headers: must be a list, not "X-A" (write [X-A])',
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_told_where_it_stands(keys: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(_FILE.format(keys=keys).encode())
    assert str(caught.value) == f"routes.yaml:{said}"
