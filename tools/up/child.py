"""A started program: what it says, its end, and that nothing of it is left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping

from tools.up.parts import Part

_READ_BYTES = 64 * 1024
_LINE_BYTES = 64 * 1024
"""A longer line is shown in pieces, so that one without an end needs no endless memory."""
_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of linux/prctl.h."""


class Child:
    """One part, started as the leader of a process group of its own.

    A group of its own, because Ctrl-C reaches the terminal's whole group: who stops when is ours
    to say.
    """

    def __init__(self, part: Part, environ: Mapping[str, str]) -> None:
        self.part = part
        self.exit_code: int | None = None
        """None until `bury`; negative for a signal."""
        self._begun = b""
        self._process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
            part.command,
            env={**environ, "PYTHONUNBUFFERED": "1", **part.settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=_stop_with_us(os.getpid()),  # noqa: PLW1509 - we have one thread
        )
        assert self._process.stdout is not None  # noqa: S101 - it was asked for above
        self.output = self._process.stdout
        os.set_blocking(self.output.fileno(), False)

    @property
    def is_alive(self) -> bool:
        """Whether it has not been buried yet."""
        return self.exit_code is None

    def read(self) -> tuple[list[str], bool]:
        """What can be read right now: whole lines without their ends, and whether that was all."""
        try:
            data = os.read(self.output.fileno(), _READ_BYTES)
        except BlockingIOError:
            return [], False
        *lines, self._begun = (self._begun + data).split(b"\n")
        if self._begun and (not data or len(self._begun) > _LINE_BYTES):
            lines.append(self._begun)
            self._begun = b""
        return [line.decode(errors="replace").removesuffix("\r") for line in lines], not data

    def has_ended(self) -> bool:
        """Whether the program itself has ended; it stays a zombie, so that its group keeps its id.

        Others of its group may live on.
        """
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, flags) is not None

    def stop(self) -> None:
        """Ask the program to stop; it sees to its own children."""
        self._process.terminate()

    def kill(self) -> None:
        """End the whole group at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: all are zombies
            os.killpg(self._process.pid, signal.SIGKILL)

    def bury(self) -> int:
        """After `has_ended` or `kill`: end what is left of the group; return the exit code."""
        self.kill()
        self.exit_code = self._process.wait()
        return self.exit_code


def _stop_with_us(parent: int) -> Callable[[], None] | None:
    """What a child does first: ask Linux for a SIGTERM when we die, even by SIGKILL.

    Elsewhere there is no such thing, and None is done.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
        if os.getppid() != parent:  # it was too late to ask
            os._exit(1)

    return ask
