"""A worker in this process: it routes by what it is told, reports, and ends when asked."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.control import worker as module
from gateway.control.balance import Balance
from gateway.control.channel import Channel
from gateway.control.lifeline import Lifeline, Received
from gateway.control.messages import Accepted, Alive, ControlLinked, Ended, Message, Report
from gateway.control.servers import listen
from gateway.control.worker import Worker, WorkerPlan, check_access_log, open_access_log
from gateway.errors import StartError
from gateway.telemetry.counters import unpack
from tests.support.counted import AT, requests_in
from tests.support.flippable import accepted


@pytest.fixture(autouse=True)
def report_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that tests wait less."""
    monkeypatch.setattr(module, "REPORT_EVERY_S", 0.01)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Production's loop."""
    return "asyncio", {"use_uvloop": True}


class World:
    """The supervisor, control and customers around one worker."""

    def __init__(self, drain_delay_s: float = 0.0) -> None:
        ours, theirs = socket.socketpair()
        self.lifeline, self._theirs = Lifeline(ours), Lifeline(theirs)
        self._listener = listen("127.0.0.1", 0)
        self.port = self._listener.getsockname()[1]
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        self.running: asyncio.Future[None] = asyncio.Future()
        self.said: list[Received] = []
        self._links: list[tuple[Channel, asyncio.Event]] = []
        self.worker = Worker(
            WorkerPlan(
                listener=self._listener,
                lifeline=self._theirs,
                accepted=accepted(1),
                access_log="off",
                token_key=b"of-a-test" * 2,
                drain_s=5.0,
                drain_delay_s=drain_delay_s,
                place=Balance(1).place(0),
                max_connections=100,
                certificate=None,
            )
        )

    async def link(self) -> Channel:
        """Give the worker a new link to control; the control's end of it."""
        ours, theirs = socket.socketpair()
        with theirs:
            assert self.lifeline.send(ControlLinked(), theirs.fileno())
        has_ended = asyncio.Event()
        channel = await Channel.open(ours, self.heard.put_nowait, has_ended.set)
        self._links.append((channel, has_ended))
        return channel

    async def reported(self, revision: int) -> Report:
        """The first report on a revision."""
        while True:
            report = await self.heard.get()
            assert isinstance(report, Report)
            if report.revision == revision:
                return report

    async def ask(self) -> bytes:
        """One request of a customer; no backend answers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async def close(self) -> None:
        """Leave nothing open."""
        for channel, has_ended in self._links:
            channel.close()
            await has_ended.wait()
        self.lifeline.close()
        self._theirs.close()


@asynccontextmanager
async def world(drain_delay_s: float = 0.0) -> AsyncIterator[World]:
    """A worker that runs while the block does, and must end when it is told to."""
    around = World(drain_delay_s)
    try:
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            around.running = running = tasks.create_task(around.worker.run())
            await around.link()
            await around.reported(1)
            yield around
            if not running.done():
                os.kill(os.getpid(), signal.SIGTERM)
            await running
        around.said = around.lifeline.read() or []
    finally:
        await around.close()


async def test_a_worker_takes_in_what_control_says_and_reports_it() -> None:
    async with world() as around:
        control = await around.link()
        control.send(accepted(2, 25))
        await around.reported(2)
        assert (await around.ask()).startswith(b"HTTP/1.1 502 ")
        while requests_in(unpack((await around.reported(2)).counters)) != 1:
            pass


async def test_a_revision_that_cannot_be_read_is_passed_over() -> None:
    """Customers are served by the one before; the next good one is taken in."""
    async with world() as around:
        control = await around.link()
        control.send(Accepted(2, b"of another version", AT))
        control.send(accepted(3, 50))
        await around.reported(3)


async def test_a_new_link_takes_the_place_of_the_old_one() -> None:
    """However often control is replaced, a worker has one link."""
    async with world() as around:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            await around.link()
        await around.reported(1)
        (await around.link()).send(accepted(2))
        await around.reported(2)
        # Here both ends are in one process; those of the links before are closed.
        assert len(os.listdir("/proc/self/fd")) <= before + 2


async def test_asked_twice_to_stop_a_worker_still_lets_requests_end() -> None:
    """Service managers signal every process of a group; so does the supervisor."""
    async with world() as around:
        around.worker._stop()
        around.worker._stop()
        assert not around.worker._server.force_exit
        assert around.worker._gateway.is_draining


async def test_a_worker_says_at_its_end_what_it_had_to_cut_and_before_that_it_lives() -> None:
    async with world() as around:
        pass
    said = [message for message, _ in around.said]
    assert said[0] == Alive()
    assert said[-1] == Ended(0)


async def test_with_a_delay_a_worker_goes_on_serving_after_it_was_asked_to_stop() -> None:
    """Whoever spreads customers over gateways needs a moment to see that this one is to end."""
    async with world(drain_delay_s=0.2) as around:
        asked_s = asyncio.get_running_loop().time()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
        assert (await around.ask()).startswith(b"HTTP/1.1 502 ")
        assert not around.worker._gateway.is_draining
        await around.running
        assert asyncio.get_running_loop().time() - asked_s >= 0.2


async def test_a_worker_ends_with_its_supervisor() -> None:
    async with world() as around:
        around.lifeline.end.shutdown(socket.SHUT_RDWR)


async def test_a_worker_says_at_its_end_what_it_has_counted() -> None:
    async with world() as around:
        await around.ask()
        os.kill(os.getpid(), signal.SIGTERM)
        report = await around.reported(1)
        while requests_in(unpack(report.counters)) != 1:
            report = await around.reported(1)


def test_an_access_log_is_a_new_file_in_a_new_folder_for_us_and_our_group(tmp_path: Path) -> None:
    where = tmp_path / "log" / "access.jsonl"
    check_access_log(str(where))
    assert stat.S_IMODE(where.stat().st_mode) == 0o640
    where.write_text("kept\n")
    log = open_access_log(str(where))
    log.close()
    assert where.read_text() == "kept\n"


def test_checking_the_access_log_leaves_nothing_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    for where in ("-", "off", str(tmp_path / "access.jsonl")):
        check_access_log(where)
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("how", ["below a file", "a folder", "a pipe that nobody reads"])
def test_an_access_log_that_cannot_be_written_is_one_line(tmp_path: Path, how: str) -> None:
    where = tmp_path / "there"
    if how == "a folder":
        where.mkdir()
    elif how == "below a file":
        where.touch()
        where /= "access.jsonl"
    else:
        os.mkfifo(where)
    with pytest.raises(StartError) as raised:
        check_access_log(str(where))
    why = {"a folder": "Is a directory", "below a file": "File exists"}.get(
        how, "No such device or address"
    )
    assert str(raised.value) == f"access log {where}: {why}; give a file that can be written"
