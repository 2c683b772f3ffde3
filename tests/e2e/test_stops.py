"""The gateway is told to stop while customers wait for answers."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.support.figueira import Figueira
from tests.support.held_origin import ANSWER, ROUTES, HeldOrigin, held_origin
from tests.support.polling import eventually

pytestmark = pytest.mark.e2e

_EVENT = re.compile(r"[-0-9T:]{19} [A-Z]+ (supervisor|control|worker-\d): [a-z_]+( |$)")
"""A line of our own log; a library has no say in it."""


@pytest.fixture
def origin() -> Iterator[HeldOrigin]:
    """A backend that answers when it is told to."""
    with held_origin() as origin:
        yield origin


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """For customers who wait."""
    with ThreadPoolExecutor() as threads:
        yield threads


def _ask_slowly(
    threads: ThreadPoolExecutor, figueira: Figueira, origin: HeldOrigin
) -> Future[httpx.Response]:
    """Ask for what takes long; return once the request has arrived at the backend."""

    def ask() -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=30) as customer:
            return customer.get(f"{figueira.url}/held")

    future = threads.submit(ask)
    origin.wait_for_request()
    return future


def _is_refused(port: int) -> bool:
    """Whether a new connection is refused, not merely closed."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return False
    except ConnectionRefusedError:
        return True


def _ask_to_stop(figueira: Figueira, number: signal.Signals, *, group: bool) -> None:
    (os.killpg if group else os.kill)(figueira.process.pid, number)


@pytest.mark.parametrize(
    ("number", "group"),
    [
        pytest.param(signal.SIGTERM, False, id="SIGTERM as kill sends it"),
        pytest.param(signal.SIGTERM, True, id="SIGTERM to all as systemd sends it"),
        pytest.param(signal.SIGINT, True, id="SIGINT to all as Ctrl-C sends it"),
    ],
)
def test_promise_3_a_stop_lets_the_answer_in_flight_end_and_takes_no_new_customer(
    start: Start,
    origin: HeldOrigin,
    threads: ThreadPoolExecutor,
    number: signal.Signals,
    group: bool,
) -> None:
    """The whole answer, exit code 0; meanwhile not ready, idle connections closed."""
    with start(ROUTES.format(held=origin.url)) as figueira:
        idle = socket.create_connection(("127.0.0.1", figueira.port), timeout=20)
        idle.sendall(b"GET /products HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        assert idle.recv(9) == b"HTTP/1.1 "
        answer = _ask_slowly(threads, figueira, origin)
        _ask_to_stop(figueira, number, group=group)
        if number is signal.SIGINT or not group:
            eventually(lambda: figueira.ready() == 503, "not ready")
            assert "[-]serving failed" in figueira.admin.get("/readyz").text
        eventually(lambda: _is_refused(figueira.port), "a refused connection")
        while idle.recv(4096):
            pass
        idle.close()
        assert not answer.done()
        origin.let_go()
        whole = answer.result()
        assert (whole.status_code, whole.content) == (200, ANSWER)
        assert whole.headers["connection"] == "close"
        assert figueira.process.wait() == 0
        assert [line["status"] for line in figueira.access_lines()] == [200, 200]


@pytest.mark.parametrize(
    "group",
    [pytest.param(False, id="SIGTERM as kill sends it"), pytest.param(True, id="SIGTERM to all")],
)
def test_with_a_delay_customers_are_taken_while_the_gateway_is_not_ready_any_more(
    start: Start, group: bool
) -> None:
    """A load balancer goes on sending them until its next look; none of them is refused."""
    with start(FIGUEIRA_DRAIN_DELAY_S="1.5") as figueira:
        _ask_to_stop(figueira, signal.SIGTERM, group=group)
        asked_s = time.monotonic()
        eventually(lambda: figueira.ready() == 503, "not ready")
        while time.monotonic() - asked_s < 1.0:
            assert httpx.get(f"{figueira.url}/products", trust_env=False).status_code == 200
        assert figueira.ready() == 503
        eventually(lambda: _is_refused(figueira.port), "a refused connection")
        assert figueira.process.wait() == 0
        assert "delay_s=1.5" in figueira.events("draining")[0]
        assert "clean=True cut=0 killed=0" in figueira.events("stopped")[0]


def test_a_second_sigterm_ends_at_once(
    start: Start, origin: HeldOrigin, threads: ThreadPoolExecutor
) -> None:
    """The answer in flight is cut, and looks so; the exit code says that it was not clean."""
    with start(ROUTES.format(held=origin.url)) as figueira:
        answer = _ask_slowly(threads, figueira, origin)
        figueira.process.send(signal.SIGTERM)
        eventually(lambda: figueira.ready() == 503, "not ready")
        figueira.process.send(signal.SIGTERM)
        assert figueira.process.wait() == 1
        assert isinstance(answer.exception(), httpx.TransportError)


def test_promise_3_patience_ends_and_the_answer_in_flight_looks_cut(
    start: Start, origin: HeldOrigin, threads: ThreadPoolExecutor
) -> None:
    """FIGUEIRA_DRAIN_S is how long a stop waits; the customer is not told that all is well."""
    with start(ROUTES.format(held=origin.url), FIGUEIRA_DRAIN_S="0.3") as figueira:
        answer = _ask_slowly(threads, figueira, origin)
        figueira.process.send(signal.SIGTERM)
        assert figueira.process.wait() == 0
        assert isinstance(answer.exception(), httpx.TransportError)
        [line] = figueira.access_lines()
        assert (line["status"], line["error"]) == (503, "read_head:closed:internal")
        assert "clean=False cut=1 killed=0" in figueira.events("stopped")[0]
        assert not [line for line in figueira.process.stderr if not _EVENT.match(line)]
