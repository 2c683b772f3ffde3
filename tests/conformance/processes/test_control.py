"""Control in this process, with a real file, database and admin port; workers are sockets here."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from gateway.admin.app import create_app
from gateway.admin.from_control import ControlView
from gateway.admin.operations_of_control import ControlOperations
from gateway.control.channel import Channel
from gateway.control.control import Control, ControlPlan
from gateway.control.lifeline import Lifeline
from gateway.control.messages import Accepted, Alive, Draining, Left, Linked, Message, Report
from gateway.control.servers import listen
from gateway.errors import ConfigError, StartError
from gateway.telemetry.counters import Counters, pack
from tests.support import flippable
from tests.support.counted import AT, counted, requests_in
from tests.support.flippable import BAD, accepted
from tests.support.routes_file import RoutesFile


class World:
    """Everything around control: the supervisor, workers, operators."""

    def __init__(
        self,
        folder: Path,
        resumed: Accepted | None,
        left: Left | None,
        database: str,
        *,
        may_resume: bool = False,
        text: str | None = None,
    ) -> None:
        self.running: asyncio.Future[None] = asyncio.Future()
        self._workers: list[Worker] = []
        self.file = RoutesFile(folder / "routes.yaml", text or flippable.text())
        ours, theirs = socket.socketpair()
        self.lifeline = Lifeline(ours)
        self._listener = listen("127.0.0.1", 0)
        self.admin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        self.control = Control(
            ControlPlan(
                began_s=0.0,
                restarts=0,
                token_key=b"of-a-test" * 2,
                certificate_problem=None,
                config=self.file.path,
                database_url=f"sqlite+aiosqlite:///{database}",
                workers=1,
                admin_listener=self._listener,
                lifeline=Lifeline(theirs),
                resumed=resumed,
                left=left,
                make_admin=lambda control: create_app(
                    ControlView(control), ControlOperations(control)
                ),
                may_resume=may_resume,
            )
        )

    def listen(self) -> None:
        """Hear what control says to the supervisor."""
        self.lifeline.listen(self._take, lambda: None)

    def _take(self, message: Message, _: int | None) -> None:
        if not isinstance(message, Alive):
            self._heard.put_nowait(message)

    async def heard(self) -> Message:
        """What control says next to the supervisor."""
        return await self._heard.get()

    async def link(self, index: int = 0, pid: int = 7) -> Worker:
        """Link a worker that was just started."""
        ours, theirs = socket.socketpair()
        with theirs:
            assert self.lifeline.send(Linked(index, pid, 0), theirs.fileno())
        worker = Worker()
        worker.channel = await Channel.open(ours, worker.heard.put_nowait, worker.has_ended.set)
        self._workers.append(worker)
        return worker

    async def tell(self, path: str, **body: object) -> httpx.Response:
        """Tell the admin port something."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.post(self.admin + path, json=body)

    async def ask(self, path: str) -> httpx.Response:
        """Ask the admin port."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(self.admin + path)

    def edit(self, text: str) -> None:
        """Change the file."""
        self.file.rename_over(text)

    async def close(self) -> None:
        """Leave nothing open."""
        for worker in self._workers:
            worker.die()
            await worker.has_ended.wait()
        for lifeline in (self.lifeline, self.control._plan.lifeline):
            # In processes of their own both end with the loop; here the loop goes on.
            asyncio.get_running_loop().remove_reader(lifeline.end)
            lifeline.close()
        self._listener.close()


class Worker:
    """A worker's end of its link to control."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        self.has_ended = asyncio.Event()
        self.channel: Channel | None = None

    def say(self, message: Message) -> None:
        """Report something."""
        assert self.channel is not None
        assert self.channel.send(message)

    def die(self) -> None:
        """Be gone."""
        assert self.channel is not None
        self.channel.close()


@asynccontextmanager
async def world(
    folder: Path,
    *,
    resumed: Accepted | None = None,
    left: Left | None = None,
    database: str | None = None,
    may_resume: bool = False,
    text: str | None = None,
) -> AsyncIterator[World]:
    """A control that runs while the block does, and must end when it is told to."""
    around = World(
        folder, resumed, left, database or f"{folder}/figueira.db", may_resume=may_resume, text=text
    )
    around.listen()
    try:
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            around.running = tasks.create_task(around.control.run())
            yield around
            if not around.running.done():
                os.kill(os.getpid(), signal.SIGTERM)
    finally:
        await around.close()


async def test_a_flip_reaches_supervisor_and_workers_and_a_late_worker_the_newest(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as around:
        first = await around.heard()
        assert first == Accepted(1, flippable.accepted().snapshot, first.accepted_at)  # type: ignore[union-attr]  # compared as well
        worker = await around.link()
        assert await worker.heard.get() == first
        around.edit(flippable.text(25))
        second = await around.heard()
        assert isinstance(second, Accepted)
        assert (second.revision, second.snapshot) == (2, flippable.accepted(2, 25).snapshot)
        assert await worker.heard.get() == second
        late = await around.link(1)
        assert await late.heard.get() == second


async def test_a_bad_file_is_told_and_a_hang_up_tells_it_again(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as around:
        await around.heard()
        await around.link()
        around.edit(BAD)
        while (await around.ask("/api/status")).json()["config"]["ok"]:
            pass
        os.kill(os.getpid(), signal.SIGHUP)
        while (await around.ask("/api/status")).json()["config"]["failures"] < 2:
            pass
        assert (await around.ask("/readyz")).status_code == 200
        around.edit(flippable.text())
        while not (await around.ask("/api/status")).json()["config"]["ok"]:
            pass
        assert (await around.ask("/api/status")).json()["revision"]["number"] == 1


async def test_the_first_start_needs_a_good_file_and_a_database(tmp_path: Path) -> None:
    path = RoutesFile(tmp_path / "routes.yaml", BAD).path
    for text, database, expected in (
        (BAD, f"{tmp_path}/figueira.db", ConfigError),
        (flippable.text(), f"{path}/below/figueira.db", StartError),
    ):
        around = World(tmp_path, None, None, database)
        around.edit(text)
        with pytest.raises(expected):
            await around.control.run()
        await around.close()


async def test_a_replacement_serves_the_admin_port_without_file_and_database(
    tmp_path: Path,
) -> None:
    """It goes on from what the workers route by; the file's faults and the database's are shown."""
    async with world(
        tmp_path, resumed=accepted(9), database=f"{tmp_path}/routes.yaml/below/figueira.db"
    ) as around:
        worker = await around.link()
        assert await worker.heard.get() == accepted(9)
        worker.say(Report(9, pack(Counters())))
        await around.ask("/api/status")
        around.file.remove()
        while (await around.ask("/api/status")).json()["config"]["ok"]:
            pass
        status = (await around.ask("/api/status")).json()
        assert status["revision"]["number"] == 9
        assert datetime.fromisoformat(status["revision"]["accepted_at"]) == AT
        assert "[!]history failed" in (await around.ask("/readyz?verbose")).text


async def test_a_replacement_opens_the_admin_port_when_no_count_is_missing(
    tmp_path: Path,
) -> None:
    """To whoever scrapes, a total that falls is a restart, and all of it new requests."""
    async with world(tmp_path, resumed=accepted(9), left=Left(counted(100))) as around:
        worker = await around.link()
        await worker.heard.get()
        asking = asyncio.gather(around.ask("/metrics"))
        worker.say(Report(9, pack(counted(10))))
        [metrics] = await asking
        assert 'status_class="2xx"} 110.0' in metrics.text


async def test_what_a_dead_worker_counted_is_left_with_the_supervisor(tmp_path: Path) -> None:
    async with world(tmp_path) as around:
        await around.heard()
        worker = await around.link()
        await worker.heard.get()
        worker.say(Report(1, pack(counted(10))))
        while not (await around.ask("/api/status")).json()["workers"][0]["revision"]:
            pass
        worker.die()
        left = await around.heard()
        assert isinstance(left, Left)
        assert requests_in(left.counters) == 10
        status = (await around.ask("/api/status")).json()
        assert [(w["alive"], w["pid"]) for w in status["workers"]] == [(False, None)]
        assert (await around.ask("/readyz")).status_code == 503


async def test_a_stop_is_shown_before_it_comes_and_as_long_as_a_worker_serves(
    tmp_path: Path,
) -> None:
    """Also where every process of the group is told to end, as service managers do."""
    async with world(tmp_path) as around:
        await around.heard()
        worker = await around.link()
        os.kill(os.getpid(), signal.SIGTERM)
        around.lifeline.send(Draining())
        while (await around.ask("/readyz")).status_code != 503:
            pass
        assert (await around.ask("/api/status")).json()["draining"] is True
        worker.die()
        await around.running


async def test_control_ends_with_its_supervisor(tmp_path: Path) -> None:
    async with world(tmp_path) as around:
        await around.heard()
        around.lifeline.end.shutdown(socket.SHUT_RDWR)
