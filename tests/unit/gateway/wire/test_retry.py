"""A request is repeated only where nothing can have happened twice."""

from __future__ import annotations

import itertools

import pytest

from gateway.wire.inbound import Body
from gateway.wire.retry import may_retry


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS"], ids=bytes.decode)
def test_a_safe_request_that_met_a_dead_reused_connection_is_sent_once_more(method: bytes) -> None:
    assert may_retry(method, Body.NONE, reused=True, answered=False, attempts=1)


@pytest.mark.parametrize(
    ("method", "body", "reused", "answered", "attempts"),
    [
        pytest.param(b"GET", Body.NONE, False, False, 1, id="fresh-connection"),
        pytest.param(b"GET", Body.NONE, True, True, 1, id="a-byte-of-an-answer-came"),
        pytest.param(b"GET", Body.NONE, True, False, 2, id="second-failure"),
        pytest.param(b"GET", Body.LENGTH, True, False, 1, id="body-of-a-known-length"),
        pytest.param(b"GET", Body.CHUNKED, True, False, 1, id="chunked-body"),
        pytest.param(b"POST", Body.NONE, True, False, 1, id="post"),
        pytest.param(b"PUT", Body.NONE, True, False, 1, id="put-though-idempotent"),
        pytest.param(b"DELETE", Body.NONE, True, False, 1, id="delete-though-idempotent"),
        pytest.param(b"PATCH", Body.NONE, True, False, 1, id="patch"),
        pytest.param(b"get", Body.NONE, True, False, 1, id="methods-are-case-sensitive"),
        pytest.param(b"QUERY", Body.NONE, True, False, 1, id="method-not-known-to-be-safe"),
    ],
)
def test_anything_else_is_sent_once(
    method: bytes, body: Body, reused: bool, answered: bool, attempts: int
) -> None:
    assert not may_retry(method, body, reused=reused, answered=answered, attempts=attempts)


def test_of_all_combinations_only_three_are_repeated() -> None:
    methods = (b"GET", b"HEAD", b"OPTIONS", b"POST", b"PUT", b"DELETE")
    flags = (False, True)
    repeated = [
        method
        for method, body, reused, answered, attempts in itertools.product(
            methods, Body, flags, flags, range(1, 4)
        )
        if may_retry(method, body, reused=reused, answered=answered, attempts=attempts)
    ]
    assert repeated == [b"GET", b"HEAD", b"OPTIONS"]
