"""Forking the children, and what every child has to leave behind of its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import uvloop

from gateway.control.lifeline import Lifeline
from gateway.control.log import start_log
from gateway.errors import ConfigError, StartError

CANNOT_START = 1
"""Exit code of a child that said in one line why it cannot work."""
FAULT = 70
"""Exit code of a child that met a fault in the gateway itself (sysexits.h, EX_SOFTWARE)."""

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


def fork(name: str, work: Work, leave_behind: Callable[[], None]) -> tuple[int, Lifeline]:
    """Start a child that does `work`; return its process id and our end of its lifeline.

    Forking, not spawning: everything is imported already, so a dead child is back in milliseconds.
    The parent has one thread and no event loop, which is what makes a fork safe.

    Args:
        name: For its log lines.
        work: Run in a new event loop in the child.
        leave_behind: Closes, in the child, what is the parent's alone.
    """
    ours, theirs = socket.socketpair()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, Lifeline(ours)
    code = FAULT
    try:
        ours.close()
        leave_behind()
        code = _live(name, work, Lifeline(theirs))
    finally:
        os._exit(code)


def _live(name: str, work: Work, lifeline: Lifeline) -> int:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    start_log(name)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(lifeline))
    except (StartError, ConfigError) as error:
        sys.stderr.write(f"figueira: error: {error}\n")
        return CANNOT_START
    except Exception:  # noqa: BLE001 - the root of a process: say what happened, and end
        traceback.print_exc()
        return FAULT
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0
