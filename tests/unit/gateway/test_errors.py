"""Errors carry data, and say it in one line to whoever must act."""

from __future__ import annotations

import pickle

import pytest

from gateway.errors import (
    Cause,
    ConfigError,
    GatewayError,
    Problem,
    Source,
    Stage,
    StartError,
    UpstreamError,
)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        pytest.param(
            Problem(
                line=14,
                column=9,
                path="routes[1]",
                message='unknown key "wieght"',
                hint='did you mean "weight"?',
            ),
            'f.yaml:14:9: error: routes[1]: unknown key "wieght" (did you mean "weight"?)',
            id="everything",
        ),
        pytest.param(
            Problem(line=1, column=1, path="", message="empty"),
            "f.yaml:1:1: error: empty",
            id="the-whole-file",
        ),
        pytest.param(
            Problem(line=None, column=None, path="", message="no such file"),
            "f.yaml: error: no such file",
            id="no-place",
        ),
    ],
)
def test_a_problem_is_one_line_that_says_where_and_what(problem: Problem, expected: str) -> None:
    assert expected == problem.describe("f.yaml")


def test_a_config_error_shows_all_its_problems_in_order() -> None:
    problems = [Problem(line=n, column=1, path="", message=f"bad {n}") for n in (3, 9)]
    error = ConfigError(problems)
    assert tuple(problems) == error.problems
    assert str(error) == "routes.yaml:3:1: error: bad 3\nroutes.yaml:9:1: error: bad 9"


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (Cause.REFUSED, 502),
        (Cause.CLOSED, 502),
        (Cause.PROTOCOL, 502),
        (Cause.TIMEOUT, 504),
        (Cause.OVERLOAD, 503),
    ],
    ids=str,
)
def test_the_cause_of_an_upstream_error_decides_the_customers_status(
    cause: Cause, status: int
) -> None:
    assert status == UpstreamError(Stage.CONNECT, Source.UPSTREAM, cause).status


def test_every_cause_has_a_gateway_status() -> None:
    statuses = {UpstreamError(Stage.QUEUE, Source.UPSTREAM, cause).status for cause in Cause}
    assert statuses == {502, 503, 504}


def test_an_upstream_error_says_what_happened_how_far_along_and_on_which_side() -> None:
    error = UpstreamError(Stage.READ_HEAD, Source.UPSTREAM, Cause.CLOSED, "reset by peer")
    assert str(error) == "closed at read_head (upstream): reset by peer"


@pytest.mark.parametrize(
    "error",
    [
        ConfigError([Problem(line=1, column=2, path="p", message="m", hint="h")]),
        StartError("port 8000 is taken"),
        UpstreamError(Stage.CONNECT, Source.UPSTREAM, Cause.REFUSED, "d"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_is_a_gateway_error_and_survives_the_way_to_another_process(
    error: GatewayError,
) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert isinstance(copy, GatewayError)
    assert type(error) is type(copy)
    assert str(error) == str(copy)
