"""Many customers at once: shared fairly between the workers, up to a limit, whatever runs out."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import Figures, Start
from tests.support.figueira import Figueira
from tests.support.polling import eventually

pytestmark = pytest.mark.e2e

GET = b"GET /products/0 HTTP/1.1\r\nHost: shop.test\r\n\r\n"
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Crowd:
    """Customers who keep their connections."""

    def __init__(self, stack: ExitStack, figueira: Figueira) -> None:
        self._stack = stack
        self._port = figueira.port
        self.pids = [worker["pid"] for worker in figueira.status()["workers"]]
        self._before = [_sockets_of(pid) for pid in self.pids]

    def connect(self) -> socket.socket:
        """One more, who is connected as far as the kernel goes."""
        customer = socket.create_connection(("127.0.0.1", self._port), timeout=20)
        return self._stack.enter_context(customer)

    def counts(self) -> list[int]:
        """How many each worker has taken."""
        now = [_sockets_of(pid) for pid in self.pids]
        return [after - before for after, before in zip(now, self._before, strict=True)]

    def wait_for(self, taken: int) -> list[int]:
        """Wait until the workers have taken so many together."""
        eventually(lambda: sum(self.counts()) == taken, f"{taken} connections taken")
        return self.counts()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes what was opened."""
    with ExitStack() as stack:
        yield stack


def _sockets_of(pid: int) -> int:
    folder = Path(f"/proc/{pid}/fd")
    return sum(os.readlink(link).startswith("socket:") for link in folder.iterdir())


def _cpu_of_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _ask(customer: socket.socket) -> bytes:
    """Ask something, and read the answer, which is an object, to its end."""
    customer.sendall(GET)
    answer = b""
    while b"}" not in answer:
        answer += customer.recv(65536)
    return answer[:13]


@pytest.mark.parametrize("customers", [16, 64, 256])
def test_each_of_two_workers_takes_about_half_of_the_customers(
    start: Start, figures: Figures, stack: ExitStack, customers: int
) -> None:
    """Whether they come at once or one by one; each asks as often as any other."""
    with start() as figueira:
        crowd = Crowd(stack, figueira)
        for _ in range(customers):
            crowd.connect()
        at_once = crowd.wait_for(customers)
        crowd._before = [_sockets_of(pid) for pid in crowd.pids]
        for number in range(1, 17):
            crowd.connect()
            crowd.wait_for(number)
        one_by_one = crowd.counts()
        figures[f"{customers} customers at once, with the first worker"] = at_once[0]
        assert 0.4 <= at_once[0] / customers <= 0.6
        assert 0.4 <= (at_once[0] + one_by_one[0]) / (customers + 16) <= 0.6


def test_customers_above_the_limit_wait_until_another_leaves(
    start: Start, stack: ExitStack
) -> None:
    """Two workers with room for two each."""
    with start(FIGUEIRA_MAX_CLIENT_CONNECTIONS="2") as figueira:
        crowd = Crowd(stack, figueira)
        inside = [crowd.connect() for _ in range(4)]
        assert crowd.wait_for(4) == [2, 2]
        assert {_ask(customer) for customer in inside} == {b"HTTP/1.1 200 "}
        outside = crowd.connect()
        outside.sendall(GET)
        outside.settimeout(0.3)
        with pytest.raises(TimeoutError):
            outside.recv(1)
        inside[0].close()
        outside.settimeout(20)
        assert outside.recv(9) == b"HTTP/1.1 "


def test_a_worker_out_of_descriptors_says_so_and_serves_on(start: Start, stack: ExitStack) -> None:
    """It does not spin, and takes who waited as soon as it can; nobody is refused."""
    with start() as figueira:
        crowd = Crowd(stack, figueira)
        first = [crowd.connect() for _ in range(2)]
        assert crowd.wait_for(2) == [1, 1]
        assert {_ask(customer) for customer in first} == {b"HTTP/1.1 200 "}
        before = [resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in crowd.pids]
        for pid, (_, hard) in zip(crowd.pids, before, strict=True):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
        late = crowd.connect()
        late.sendall(GET)
        # Both, or the one that tries for it; each says it once.
        eventually(lambda: figueira.events("accept_failed"), "what is wrong")
        used_s, began_s = sum(map(_cpu_of_s, crowd.pids)), time.monotonic()
        # On its open connection, whose backend's is open as well.
        while time.monotonic() < began_s + 1:
            assert _ask(first[0]) == b"HTTP/1.1 200 "
            time.sleep(0.05)
        assert sum(map(_cpu_of_s, crowd.pids)) - used_s < 0.5
        assert len(figueira.events("accept_failed")) <= 2
        for pid, limits in zip(crowd.pids, before, strict=True):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        assert late.recv(9) == b"HTTP/1.1 "


def test_the_limit_of_open_files_lowers_that_of_customers_and_is_told(start: Start) -> None:
    prefix = ("sh", "-c", 'ulimit -n 1024; exec "$@"', "sh")
    with start(prefix=prefix) as figueira:
        [line] = figueira.events("connections_limited")
        assert line.endswith(" per_worker=480 wanted=10000 open_files=1024")
