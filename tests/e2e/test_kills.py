"""Processes of the gateway die without warning; customers and operators hardly notice."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio import to_thread

from tests.e2e.conftest import Figures, Start
from tests.support.figueira import COMMAND, WORKERS, Figueira, pids_of, settings_of
from tests.support.load import VISITORS, visitors
from tests.support.polling import eventually
from tests.support.processes import running

pytestmark = pytest.mark.e2e

Victims = Callable[[dict[str, Any]], list[int]]


def _control(status: dict[str, Any]) -> list[int]:
    return [status["control"]["pid"]]


def _one_worker(status: dict[str, Any]) -> list[int]:
    return [status["workers"][0]["pid"]]


def _all_workers(status: dict[str, Any]) -> list[int]:
    return [worker["pid"] for worker in status["workers"]]


@pytest.mark.parametrize(
    ("victims", "may_cut"),
    [
        pytest.param(_control, 0, id="control"),
        # Whoever dies takes its customers' open connections along; nobody else's.
        pytest.param(_one_worker, VISITORS, id="one worker"),
        pytest.param(_all_workers, VISITORS, id="every worker at once"),
        pytest.param(pids_of, VISITORS, id="control and every worker at once"),
    ],
)
async def test_promise_5_kill_9_refuses_no_connection_and_flips_work_again(
    start: Start, figures: Figures, victims: Victims, may_cut: int
) -> None:
    """Under load: new connections only ever wait, and what is not cut is answered rightly."""
    with start() as figueira:
        async with visitors(figueira.port) as load:
            await load.more_answers(60)
            gone = victims(await to_thread.run_sync(figueira.status))
            for pid in gone:
                figueira.kill(pid)
            killed_s = time.monotonic()
            await to_thread.run_sync(_flip_blindly, figueira, 40)
            back_s = time.monotonic() - killed_s
            await load.more_answers(60)
        assert load.failures == []
        assert len(load.cuts) <= may_cut, load.cuts
        status = await to_thread.run_sync(lambda: figueira.wait_until_whole(without=gone))
        assert len(figueira.events("process_died")) == len(gone)
        assert [worker["restarts"] for worker in status["workers"]] == [
            int(index in _indexes_of(gone, figueira)) for index in range(WORKERS)
        ]
        figures[f"kill {victims.__name__.strip('_')}, flip after ms"] = round(back_s * 1000)


def _flip_blindly(figueira: Figueira, percent: int) -> None:
    """Edit the file at once, whoever is dead, and wait until all are back and route by it."""
    figueira.routes.rename_over(figueira.routes.flipped(percent))
    figueira.wait_until_routing(percent)


def _indexes_of(pids: list[int], figueira: Figueira) -> set[int]:
    lines = [line for line in figueira.events("process_died") if "process=worker" in line]
    fields = [dict(pair.split("=") for pair in line.split() if "=" in pair) for line in lines]
    return {int(field["index"]) for field in fields if int(field["pid"]) in pids}


def test_promise_5_children_come_back_on_the_last_good_revision_while_the_file_is_broken(
    start: Start,
) -> None:
    """Control dies, then a worker: both go on from what served, and say what is wrong."""
    with start() as figueira, httpx.Client(base_url=figueira.url, trust_env=False) as shop:
        good = figueira.routes.text
        serving = figueira.flip(30).revision
        mended = figueira.routes.text
        figueira.routes.rename_over(good.replace("split:", "splitt:"))
        problems = figueira.wait_for_problems()
        descriptors = _descriptors(figueira.process.pid)
        for victims in (_control, _one_worker, _all_workers):
            gone = victims(figueira.status())
            for pid in gone:
                figueira.kill(pid)
            status = figueira.wait_until_whole(without=gone)
            assert status["revision"]["number"] == serving
            assert status["routes"][0]["backends"] == {"image_service": 30, "legacy": 70}
            assert figueira.wait_for_problems() == problems
            assert shop.get("/products").status_code == 200
            assert figueira.ready() == 200
        assert _descriptors(figueira.process.pid) == descriptors
        figueira.routes.rename_over(mended)
        assert figueira.wait_for_good_file()["revision"]["number"] == serving


def _descriptors(pid: int) -> int:
    """How many a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_promise_5_a_control_that_hangs_is_replaced_and_no_customer_notices(
    start: Start, figures: Figures
) -> None:
    """Under load: the admin port is away for some seconds, and the flip is late by as much."""
    with start() as figueira:
        async with visitors(figueira.port) as load:
            await load.more_answers(60)
            (hung,) = _control(await to_thread.run_sync(figueira.status))
            os.kill(hung, signal.SIGSTOP)
            hung_s = time.monotonic()
            await to_thread.run_sync(_flip_when_it_answers, figueira, hung, 40)
            figures["control hangs, flip after ms"] = round((time.monotonic() - hung_s) * 1000)
            await load.more_answers(60)
        assert (load.failures, load.cuts) == ([], [])
        assert len(figueira.events("process_hangs")) == 1
        assert figueira.stop() == 0


def _flip_when_it_answers(figueira: Figueira, hung: int, percent: int) -> None:
    """Edit the file at once; ask only when the one that hangs is gone."""
    figueira.routes.rename_over(figueira.routes.flipped(percent))
    eventually(lambda: not _runs(hung), "the end of the control that hangs", patience_s=10)
    figueira.wait_until_routing(percent)


def test_control_comes_back_and_flips_even_when_its_database_is_gone(start: Start) -> None:
    """The history is worth less than a flip: it is missed, said so, and kept again later."""
    with start() as figueira:
        folder = figueira.access_log.with_name("state")
        folder.rename(folder.with_name("away"))
        folder.write_text("a file in the folder's place")
        gone = _control(figueira.status())
        figueira.kill(gone[0])
        status = figueira.wait_until_whole(without=gone)
        assert status["control"]["restarts"] == 1
        assert status["uptime_s"] > status["control"]["uptime_s"]
        assert figueira.flip(50).revision == 2
        assert len(figueira.events("history_failed")) == 1
        assert figueira.ready() == 200
        assert "[!]history failed" in figueira.admin.get("/readyz?verbose").text

        folder.unlink()
        folder.with_name("away").rename(folder)
        figueira.flip(60)
        assert "[+]history ok" in figueira.admin.get("/readyz?verbose").text


def test_promise_5_a_flip_does_not_wait_for_a_database_that_hangs(
    start: Start, figures: Figures
) -> None:
    """Another process holds the database: the flip takes effect, and is kept when it may be."""
    with start() as figueira:
        file = figueira.access_log.with_name("state") / "figueira.db"
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            flip = figueira.flip(50)
            figures["flip with a locked database, ms"] = round(flip.latency_s * 1000)
            assert "[!]history failed" in figueira.admin.get("/readyz?verbose").text
            other.execute("ROLLBACK")
        assert figueira.flip(60).revision == flip.revision + 1
        assert "[+]history ok" in figueira.admin.get("/readyz?verbose").text
        with closing(sqlite3.connect(file)) as kept:
            numbers = kept.execute("SELECT number FROM revisions ORDER BY number").fetchall()
        assert numbers == [(1,), (2,), (3,)]


def test_a_supervisor_killed_outright_leaves_no_process_and_a_free_port(
    start: Start, tmp_path: Path
) -> None:
    """Control and workers see it at once and end, also with customers connected."""
    with start() as figueira, socket.create_connection(("127.0.0.1", figueira.port)) as idle:
        idle.settimeout(20)
        children = pids_of(figueira.status())
        figueira.kill(figueira.process.pid)
        assert figueira.process.wait() == -signal.SIGKILL
        assert idle.recv(1) == b""
        eventually(lambda: not any(map(_runs, children)), "the end of all children")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", figueira.port))
        environ = settings_of(tmp_path, figueira.routes.path, FIGUEIRA_PORT=str(figueira.port))
        with running([*COMMAND, "serve"], folder=tmp_path, environ=environ) as another:
            another.wait_for_line(r".* started .*")
            assert another.stop() == 0


def _runs(pid: int) -> bool:
    """Whether a process is more than an entry that nobody has asked for its exit code."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_supervisor_that_inherits_children_of_others_buries_them_too(start: Start) -> None:
    """As process 1 of a container it gets what a start script or `docker exec` left behind."""
    script = 'sleep 60 & echo "$!" >child; exec "$@"'
    with start(prefix=("sh", "-c", script, "sh")) as figueira:
        child = int(figueira.access_log.with_name("child").read_text())
        figueira.kill(child)
        eventually(lambda: not Path(f"/proc/{child}").exists(), "the end of the foreign child")
        gone = _one_worker(figueira.status())
        figueira.kill(gone[0])
        figueira.wait_until_whole(without=gone)
        assert figueira.stop() == 0


def test_a_supervisor_that_cannot_fork_for_a_while_tries_again(start: Start) -> None:
    """The machine has run out of descriptors: the other worker serves, and nothing gives up."""
    with start() as figueira, httpx.Client(base_url=figueira.url, trust_env=False) as shop:
        supervisor = figueira.process.pid
        before = resource.prlimit(supervisor, resource.RLIMIT_NOFILE)
        resource.prlimit(supervisor, resource.RLIMIT_NOFILE, (3, before[1]))
        gone = _one_worker(figueira.status())
        figueira.kill(gone[0])
        eventually(lambda: figueira.events("fork_failed"), "a failed fork")
        assert shop.get("/products").status_code == 200
        resource.prlimit(supervisor, resource.RLIMIT_NOFILE, before)
        figueira.wait_until_whole(without=gone)
