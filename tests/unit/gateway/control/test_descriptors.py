"""How many customers the limit of open files allows."""

from __future__ import annotations

import resource

import pytest

from gateway.control.descriptors import connections_within, is_short, lift_limit


@pytest.mark.parametrize(
    ("wanted", "open_files", "expected"),
    [
        pytest.param(10_000, 1_048_576, 10_000, id="room for all"),
        pytest.param(10_000, None, 10_000, id="no limit"),
        pytest.param(10_000, 20_064, 10_000, id="just enough"),
        pytest.param(10_000, 20_062, 9_999, id="one too few"),
        pytest.param(10_000, 1024, 480, id="a common soft limit"),
        pytest.param(10_000, 16, 1, id="hardly any room"),
        pytest.param(3, 1024, 3, id="few wanted"),
    ],
)
def test_each_customer_takes_two_files_while_it_is_served(
    wanted: int, open_files: int | None, expected: int
) -> None:
    assert connections_within(wanted, open_files) == expected


def test_the_limit_is_lifted_as_far_as_it_may_be() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[1]), before[1]))
        assert lift_limit() == before[1]
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    ("wanted", "allowed", "is_warned"),
    [
        pytest.param(10_000, 9_968, False, id="the default, nearly"),
        pytest.param(10_000, 480, True, id="the default, by far not"),
        pytest.param(9_999, 9_998, True, id="asked for, nearly"),
        pytest.param(100, 100, False, id="asked for and allowed"),
    ],
)
def test_a_warning_is_for_what_somebody_asked_for(
    wanted: int, allowed: int, is_warned: bool
) -> None:
    assert is_short(wanted, allowed, default=10_000) is is_warned
