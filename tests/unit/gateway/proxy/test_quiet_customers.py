"""How long a customer may say nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.data_path import DataPath, End

REQUEST = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def _nothing(_path: DataPath, _customer: End) -> None:
    """Say nothing."""


def _blank(path: DataPath, customer: End) -> None:
    """Say what is no beginning of anything."""
    customer.send(b"\r\n")
    path.settle()


def _ask(path: DataPath, customer: End) -> None:
    """Ask, and be answered."""
    customer.send(REQUEST)
    path.settle()
    path.backends[-1].send(ANSWER)
    path.settle()


@pytest.mark.parametrize(
    ("does", "patience_s"),
    [
        pytest.param(_nothing, 10, id="one who has never said anything has as long as for a head"),
        pytest.param(_blank, 10, id="an empty line is nothing"),
        pytest.param(_ask, 75, id="one who has asked may come again"),
    ],
)
def test_a_connection_that_is_not_used_is_closed_without_a_word(
    does: Callable[[DataPath, End], None], patience_s: float
) -> None:
    path = DataPath()
    began_s = path.gateway.now_s
    customer = path.customer()
    does(path, customer)
    customer.came.clear()
    has_ended = []
    for after_s in (patience_s - 0.5, patience_s + 0.5):
        path.gateway.sweep(began_s + after_s)
        path.settle()
        has_ended.append(customer.has_ended)
    assert has_ended == [False, True]
    assert bytes(customer.came) == b""
