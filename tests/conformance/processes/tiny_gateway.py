"""A supervisor with children that do nothing but say what happens to them.

Run as ``python -m tests.conformance.processes.tiny_gateway WORKERS HOW``; each child writes lines
to standard output: who it is, its process id, what happened.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from gateway.control import supervisor
from gateway.control.certificate import Certificate
from gateway.control.children import Work, fork
from gateway.control.lifeline import Lifeline
from gateway.control.log import start_log
from gateway.control.messages import (
    Accepted,
    Alive,
    CertificateSeen,
    ControlLinked,
    Draining,
    Left,
    Linked,
    Message,
)
from gateway.control.supervisor import Supervisor, SupervisorPlan
from gateway.control.watchdog import ALIVE_EVERY_S
from gateway.errors import StartError
from gateway.proxy.spawn import spawn
from tests.support.counted import AT, counted, requests_in

PR_SET_CHILD_SUBREAPER = 36
"""Orphans of our children become our own, as those of process 1 do."""


def main() -> NoReturn:
    """Run until stopped, as the command line says."""
    workers, how = int(sys.argv[1]), sys.argv[2]
    supervisor._PAUSE_S = 0.02
    supervisor._KILL_AFTER_S = 0.05
    if how == "short links":
        supervisor.fork = _fork_with_short_links  # type: ignore[attr-defined]  # not exported
    if how == "orphans":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    start_log("supervisor")
    listener = socket.create_server(("127.0.0.1", 0))
    _say("listening", listener.getsockname()[1])
    certificate = None
    if "TLS_CERT" in os.environ:
        certificate = Certificate(Path(os.environ["TLS_CERT"]), Path(os.environ["TLS_KEY"]))
    plan = SupervisorPlan(
        listener=listener,
        admin_listener=socket.create_server(("127.0.0.1", 0)),
        workers=workers,
        drain_s=0.05,
        control=lambda resumed, left: _control(how, resumed, left),
        worker=lambda _index, accepted: _worker(how, accepted),
        started=lambda revision: _say("started", revision),
        worker_gone=lambda index: _say("gone", index),
        certificate=certificate,
    )
    sys.exit(Supervisor(plan).run())


def _fork_with_short_links(
    name: str, work: Work, leave_behind: Callable[[], None]
) -> tuple[int, Lifeline]:
    """As `fork`, but a child that does not read has missed much after a few messages."""
    pid, lifeline = fork(name, work, leave_behind)
    lifeline.end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    return pid, lifeline


def _control(how: str, resumed: Accepted | None, left: Left | None) -> Work:
    async def work(lifeline: Lifeline) -> None:
        if how == "cannot start":
            raise StartError("no database")
        if how == "silent":
            _say("control", os.getpid(), "waits")
            await asyncio.Event().wait()
        revision = resumed.revision + 1 if resumed else 1
        _say("control", os.getpid(), revision, requests_in(left.counters) if left else 0)
        # Larger than a socket's buffer, and than what the supervisor reads at once.
        size = 0 if how == "nonsense" else 1_000_000
        lifeline.post(Accepted(revision, bytes(size), AT))
        lifeline.post(Left(counted(revision)))
        spawn(_say_alive(lifeline), "alive")
        await _live("control", lifeline, lambda: _nonsense(how, lifeline))

    return work


async def _say_alive(lifeline: Lifeline) -> None:
    while True:
        lifeline.post(Alive())
        await asyncio.sleep(ALIVE_EVERY_S)


def _nonsense(how: str, lifeline: Lifeline) -> None:
    if how == "nonsense":
        lifeline.end.send(b"\xff\xff\xff\xff")


def _worker(how: str, accepted: Accepted) -> Work:
    async def work(lifeline: Lifeline) -> None:
        _say("worker", os.getpid(), accepted.revision)
        if how == "faulty worker":
            raise ValueError("a fault")
        if how == "orphans":
            _leave_orphan()
        await _live("worker", lifeline, lambda: None, is_stubborn=how == "stubborn worker")

    return work


def _leave_orphan() -> None:
    """Start a process that ends right after this one."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.close(write)
        os.read(read, 1)
        _say("orphan", os.getpid(), "ends")
        os._exit(3)
    os.close(read)


async def _live(
    name: str, lifeline: Lifeline, linked: Callable[[], None], *, is_stubborn: bool = False
) -> None:
    """Take links, and end at SIGTERM or with the supervisor."""
    end = asyncio.Event()
    links: dict[int, socket.socket] = {}

    def received(message: Message, descriptor: int | None) -> None:
        match message:
            case Linked() | ControlLinked():
                assert descriptor is not None
                index = message.index if isinstance(message, Linked) else 0
                links[index] = socket.socket(fileno=descriptor)
                _say(name, os.getpid(), "linked", len(os.listdir("/proc/self/fd")))
                linked()
            case CertificateSeen():
                _say(name, os.getpid(), "certificate", message.problem or "good")
            case Draining():
                _say(name, os.getpid(), "draining")
            case _:
                raise AssertionError(message)

    def asked() -> None:
        _say(name, os.getpid(), "asked")
        if not is_stubborn:
            end.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked)
    lifeline.listen(received, end.set)
    await end.wait()
    _say(name, os.getpid(), "ends")


def _say(*words: object) -> None:
    """One line, in one write: several processes share the pipe."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


if __name__ == "__main__":
    main()
