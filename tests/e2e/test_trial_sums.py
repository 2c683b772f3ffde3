"""Every eligible request ends in one class, whatever dies: told alike by metrics and by reports."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import Start
from tests.support.figueira import Figueira, pids_of
from tests.support.polling import eventually
from tests.support.processes import PATIENCE_S
from tests.support.sums import of_metrics, of_report, written

pytestmark = pytest.mark.e2e

ROUTES = """
version: 1
backends:
  legacy: {{url: {legacy}}}
  candidate: {{url: {candidate}}}
  other: {{url: {candidate}}}
routes:
  - {{name: all, match: {{path_prefix: /}}, backend: legacy{run}}}
"""
RUNS = """
parallel_runs:
  trial:
    control: legacy
    candidate: {candidate}
    sample: {sample}
    budget: {{in_flight: {in_flight}}}
"""
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"


class Side:
    """A backend; while it is held, it has read requests and not answered them."""

    def __init__(self, body: bytes = b'{"id": 7}') -> None:
        self.body = body
        self.asked = 0
        self._open = threading.Event()
        self._open.set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self) -> None:
        """Answer nobody, for now."""
        self._open.clear()

    def let_go(self) -> None:
        """Answer all."""
        self._open.set()

    def close(self) -> None:
        """Let all go, and refuse everybody from now on."""
        self.let_go()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        read = b""
        with connection:
            try:
                while data := connection.recv(65536):
                    read += data
                    while b"\r\n\r\n" in read:
                        _, _, read = read.partition(b"\r\n\r\n")
                        self.asked += 1
                        self._open.wait(PATIENCE_S)
                        connection.sendall(_HEAD + self.body)
            except OSError:
                return


class Shop:
    """A gateway between customers and both sides; who was answered is counted here."""

    def __init__(self, figueira: Figueira, legacy: Side, candidate: Side, folder: Path) -> None:
        self.figueira = figueira
        self.legacy = legacy
        self.candidate = candidate
        self.folder = folder
        self.answered = 0

    def ask(self, requests: int) -> None:
        """Ask so many times; each must be answered by the control, whole."""
        with socket.create_connection(("127.0.0.1", self.figueira.port), PATIENCE_S) as customer:
            expected = _HEAD + self.legacy.body
            for _ in range(requests):
                target = b"/things/%d" % self.answered
                customer.sendall(b"GET %b HTTP/1.1\r\nHost: shop.example\r\n\r\n" % target)
                heard = b""
                while len(heard) < len(expected):
                    heard += customer.recv(65536)
                assert heard == expected
                self.answered += 1

    def leave(self) -> None:
        """Ask, and go before the answer comes."""
        before = self.legacy.asked
        with socket.create_connection(("127.0.0.1", self.figueira.port), PATIENCE_S) as customer:
            customer.sendall(b"GET /left HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            eventually(lambda: self.legacy.asked > before, "the control is asked")

    def until_eligible(self, requests: int) -> None:
        """Wait until control knows of so many."""
        eventually(lambda: of_metrics(self.figueira).eligible == requests, f"{requests} eligible")

    def classes(self) -> dict[str, int]:
        """Of all that were answered, once they have ended and are written; both tell the same."""
        told = written(self.figueira, self.folder, self.answered)
        now = of_metrics(self.figueira)
        assert now.eligible == told.eligible == self.answered
        return dict(now.classes)

    def told(self) -> dict[str, int]:
        """The classes of the report."""
        return dict(written(self.figueira, self.folder, self.answered).classes)


def routes(shop: Shop | tuple[str, str], candidate: str = "candidate", **changes: str) -> str:
    """A file with a run; without one where no candidate is named."""
    legacy, other = shop if isinstance(shop, tuple) else (shop.legacy.url, shop.candidate.url)
    settings = {"sample": "100%", "in_flight": "8"} | changes
    run = ", parallel_run: trial" if candidate else ""
    text = ROUTES.format(legacy=legacy, candidate=other, run=run)
    return text + (RUNS.format(candidate=candidate, **settings) if candidate else "")


@contextmanager
def _shop(start: Start, folder: Path, **changes: str) -> Iterator[Shop]:
    legacy, candidate = Side(), Side()
    try:
        with start(routes((legacy.url, candidate.url), **changes)) as figueira:
            yield Shop(figueira, legacy, candidate, folder)
    finally:
        legacy.close()
        candidate.close()


def test_without_any_trouble_both_tell_the_same(start: Start, tmp_path: Path) -> None:
    with _shop(start, tmp_path, sample="50%") as shop:
        shop.ask(200)
        classes = shop.classes()
        assert classes == shop.told()
        assert classes.keys() == {"matched", "not_sampled"}


def test_what_a_full_queue_has_no_room_for_is_shed(start: Start, tmp_path: Path) -> None:
    """The candidate hangs, and thousands come: they are answered as ever."""
    with _shop(start, tmp_path) as shop:
        shop.candidate.hold()
        shop.ask(1_200)
        shop.until_eligible(1_200)
        assert of_metrics(shop.figueira).classes["shed"] >= 100
        shop.candidate.let_go()
        classes = shop.classes()
        assert classes == shop.told()
        assert classes.keys() == {"matched", "shed"}


def test_a_customer_who_leaves_is_counted(start: Start, tmp_path: Path) -> None:
    with _shop(start, tmp_path) as shop:
        shop.ask(3)
        shop.legacy.hold()
        for _ in range(4):
            shop.leave()
        shop.answered += 4
        shop.until_eligible(7)
        shop.legacy.let_go()
        assert shop.classes() == shop.told() == {"matched": 3, "client_gone": 4}


def _comparer(figueira: Figueira) -> int:
    control = figueira.status()["control"]["pid"]
    (child,) = Path(f"/proc/{control}/task/{control}/children").read_text().split()
    return int(child)


def test_trials_whose_comparing_process_dies_are_lost_and_the_next_are_not(
    start: Start, tmp_path: Path
) -> None:
    """It is stopped, so that it is certain to be at work when it dies."""
    with _shop(start, tmp_path) as shop:
        shop.candidate.body = b'{"id": 8}'
        shop.ask(1)
        assert shop.classes() == {"mismatched": 1}
        comparer = _comparer(shop.figueira)
        os.kill(comparer, signal.SIGSTOP)
        shop.ask(1)
        eventually(lambda: shop.candidate.asked == 2, "the candidate has answered")
        shop.until_eligible(2)
        os.kill(comparer, signal.SIGKILL)
        shop.ask(1)
        assert shop.classes() == shop.told() == {"mismatched": 2, "lost": 1}


def test_a_comparing_process_that_hangs_fails_its_comparison_alone(
    start: Start, tmp_path: Path
) -> None:
    with _shop(start, tmp_path) as shop:
        shop.candidate.body = b'{"id": 8}'
        shop.ask(1)
        assert shop.classes() == {"mismatched": 1}
        comparer = _comparer(shop.figueira)
        os.kill(comparer, signal.SIGSTOP)
        shop.ask(2)
        assert shop.classes() == shop.told() == {"mismatched": 2, "compare_failed": 1}


def test_a_worker_that_is_killed_leaves_what_it_has_told(start: Start, tmp_path: Path) -> None:
    """Its trials are under way in control, and end there."""
    with _shop(start, tmp_path) as shop:
        shop.candidate.hold()
        shop.ask(20)
        shop.until_eligible(20)
        killed = [worker["pid"] for worker in shop.figueira.status()["workers"]]
        for pid in killed:
            shop.figueira.kill(pid)
        shop.figueira.wait_until_whole(without=killed)
        shop.ask(5)
        shop.candidate.let_go()
        assert shop.classes() == shop.told() == {"matched": 25}


def test_what_a_control_that_is_killed_had_under_way_is_lost(start: Start, tmp_path: Path) -> None:
    """Workers serve on; what they could hand to nobody is shed."""
    with _shop(start, tmp_path) as shop:
        shop.ask(10)
        assert shop.classes() == {"matched": 10}
        shop.candidate.hold()
        shop.ask(20)
        shop.until_eligible(30)
        killed = shop.figueira.status()["control"]["pid"]
        shop.figueira.kill(killed)
        shop.ask(5)
        shop.figueira.wait_until_whole(without=[killed])
        shop.candidate.let_go()
        shop.ask(5)
        classes, told = shop.classes(), shop.told()
        assert classes["lost"] >= 20
        assert sum(classes.values()) == sum(told.values()) == 40
        assert told["lost"] >= 20
        assert told["matched"] >= 10


def test_control_is_killed_again_and_again(start: Start, tmp_path: Path) -> None:
    """Under load, without a look at what it is doing: both go on summing to what was answered."""
    with _shop(start, tmp_path, sample="60%") as shop:
        for _ in range(3):
            shop.ask(150)
            killed = shop.figueira.status()["control"]["pid"]
            shop.figueira.kill(killed)
            shop.ask(50)
            shop.figueira.wait_until_whole(without=[killed])
        shop.ask(1)
        assert sum(shop.classes().values()) == sum(shop.told().values()) == shop.answered


def test_a_locked_database_delays_the_report_alone(start: Start, tmp_path: Path) -> None:
    with _shop(start, tmp_path) as shop:
        shop.ask(5)
        assert shop.told() == {"matched": 5}
        shell = sqlite3.connect(tmp_path / "state" / "figueira.db", isolation_level=None)
        shell.execute("BEGIN IMMEDIATE")
        shop.ask(30)
        shop.until_eligible(35)
        eventually(lambda: of_metrics(shop.figueira).classes["matched"] == 35, "all are compared")
        assert of_report(tmp_path).classes["matched"] == 5
        shell.execute("ROLLBACK")
        shell.close()
        assert shop.classes() == shop.told() == {"matched": 35}


def test_a_full_disk_delays_the_report_alone(start: Start, tmp_path: Path) -> None:
    """A limit of the size of files stands for the disk; then there is room again."""
    with _shop(start, tmp_path) as shop:
        shop.ask(5)
        assert shop.told() == {"matched": 5}
        control = shop.figueira.status()["control"]["pid"]
        before = resource.prlimit(control, resource.RLIMIT_FSIZE)
        resource.prlimit(control, resource.RLIMIT_FSIZE, (4096, before[1]))
        shop.ask(30)
        shop.until_eligible(35)
        eventually(lambda: of_metrics(shop.figueira).classes["matched"] == 35, "all are compared")
        eventually(lambda: _fault(shop.figueira), "the ledger cannot write")
        resource.prlimit(control, resource.RLIMIT_FSIZE, before)
        assert shop.classes() == shop.told() == {"matched": 35}


def _fault(figueira: Figueira) -> bool:
    fault: str = figueira.admin.get("/api/runs").json()["writing"]["fault"]
    return bool(fault)


@pytest.mark.parametrize("candidate", ["", "other"], ids=["removed", "renamed"])
def test_a_reload_in_the_middle_of_trials_loses_none(
    start: Start, tmp_path: Path, candidate: str
) -> None:
    """What has begun ends as it began; a new candidate's evidence is of another epoch."""
    with _shop(start, tmp_path, in_flight="4") as shop:
        shop.candidate.hold()
        shop.ask(20)
        shop.until_eligible(20)
        shop.figueira.change(type(shop.figueira.routes).rename_over, routes(shop, candidate))
        shop.ask(10)
        shop.answered -= 0 if candidate else 10
        shop.candidate.let_go()
        assert shop.classes() == shop.told() == {"matched": shop.answered}


def test_what_waits_when_the_roles_are_swapped_is_not_taken_for_the_other_side_s_answer(
    start: Start, tmp_path: Path
) -> None:
    """The control's answers would be compared with the control's, and match for the candidate."""
    with _shop(start, tmp_path, in_flight="4") as shop:
        shop.candidate.body = b'{"id": 8}'
        shop.candidate.hold()
        shop.ask(20)
        shop.until_eligible(20)
        swapped = routes(shop, in_flight="4").replace("backend: legacy", "backend: candidate")
        shop.figueira.change(
            type(shop.figueira.routes).rename_over, f"{swapped}    reverse: true\n"
        )
        shop.candidate.let_go()
        assert shop.classes() == shop.told() == {"mismatched": 4, "shed": 16}


def test_what_is_under_way_at_the_end_is_told_as_such(start: Start, tmp_path: Path) -> None:
    """SIGTERM waits for customers and for no candidate: the next start finds nothing pending."""
    with _shop(start, tmp_path, in_flight="4") as shop:
        shop.ask(10)
        assert shop.classes() == {"matched": 10}
        shop.candidate.hold()
        shop.ask(20)
        shop.until_eligible(30)
        shop.figueira.stop()
        told = of_report(tmp_path)
        assert (told.eligible, told.pending) == (30, 0)
        assert told.classes["matched"] == 10


def test_what_a_whole_gateway_had_under_way_is_lost_when_it_is_there_again(
    start: Start, tmp_path: Path
) -> None:
    """All of its processes are killed at once."""
    with _shop(start, tmp_path, in_flight="4") as shop:
        shop.ask(10)
        assert shop.classes() == {"matched": 10}
        shop.candidate.hold()
        shop.ask(20)
        shop.until_eligible(30)
        eventually(lambda: of_report(tmp_path).pending == 20, "the database knows of them")
        os.killpg(shop.figueira.process.pid, signal.SIGKILL)
        shop.figueira.process.wait()
        shop.candidate.let_go()
        (tmp_path / "config" / "routes.yaml").unlink()
        (tmp_path / "config").rmdir()
        with start(routes(shop)) as again:
            eventually(lambda: of_report(tmp_path).pending == 0, "they are counted as lost")
            assert of_report(tmp_path).classes == {"matched": 10, "lost": 20}
            assert pids_of(again.status())
