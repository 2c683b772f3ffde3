"""Forking the children, and what every child has to leave behind of its parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, NoReturn

import uvloop
from setproctitle import setproctitle

from gateway.control.lifeline import Lifeline
from gateway.control.log import start_log
from gateway.control.watchdog import Watchdog
from gateway.errors import ConfigError, StartError

CANNOT_START = 1
"""Exit code of a child that said in one line why it cannot work."""
FAULT = 70
"""Exit code of a child that met a fault in the gateway itself (sysexits.h, EX_SOFTWARE)."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
"""What the supervisor handles, and its children must not handle in its place."""

Work = Callable[[Lifeline], Coroutine[Any, Any, None]]
"""What a child does with its end of the lifeline."""


@dataclass(slots=True, kw_only=True)
class Child:
    """A process of ours."""

    name: str
    index: int
    """0 for control; workers count from 0 too."""
    pid: int
    lifeline: Lifeline
    started_s: float
    restarts: int
    watchdog: Watchdog = field(default_factory=Watchdog)


def fork(name: str, work: Work, leave_behind: Callable[[], None]) -> tuple[int, Lifeline]:
    """Start a child that does `work`; return its process id and our end of its lifeline.

    Forking, not spawning: everything is imported already, so a dead child is back in milliseconds.
    The parent has one thread and no event loop, which is what makes a fork safe.

    Args:
        name: For its log lines.
        work: Run in a new event loop in the child.
        leave_behind: Closes, in the child, what is the parent's alone.

    Raises:
        OSError: The system has no room for another process or descriptor.
    """
    ours, theirs = socket.socketpair()
    flush_output()
    # A signal to the child before it has let go of the parent's handlers would be lost on it, and
    # heard by the parent, whose wake-up descriptor it still shares.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            ours.close()
            _be_child(name, work, theirs, leave_behind)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid, Lifeline(ours)


def _be_child(
    name: str, work: Work, end: socket.socket, leave_behind: Callable[[], None]
) -> NoReturn:
    code = FAULT
    try:
        leave_behind()
        _take_signals()
        start_log(name)
        show_title(name)
        code = _live(work, Lifeline(end))
    except Exception:  # noqa: BLE001 - the root of a process: say what happened, and end
        traceback.print_exc()
    finally:
        flush_output()
        os._exit(code)


def show_title(name: str) -> None:
    """Let ``ps`` and ``top`` tell the processes apart; they would all look like the command."""
    # The place of the environment would be written over, which people look at in /proc.
    os.environ["SPT_NOENV"] = "1"
    setproctitle(f"figueira: {name}")


def _take_signals() -> None:
    """Hear SIGTERM; not Ctrl-C or a hang-up, on which the supervisor alone acts for the group."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _live(work: Work, lifeline: Lifeline) -> int:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(lifeline))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT_START
    except StartError as error:
        sys.stderr.write(f"figueira: error: {error}\n")
        return CANNOT_START
    return 0


def flush_output() -> None:
    """Write out what is buffered, if anybody still reads it."""
    for stream in (sys.stdout, sys.stderr):
        # ValueError: the stream is closed.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
