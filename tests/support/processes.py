"""Real processes for tests: started, waited for, listened to, and always ended.

Nothing here sleeps for a guessed time. A wait ends with what it waits for, with the process's own
end, or after ``PATIENCE_S``; the last two are failures that show what the process said.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import secrets
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

PATIENCE_S = 20.0
"""Far more than anything here takes, so that a hang ends as a failure."""
_PORTS = range(20_000, 32_768)
"""Below those that Linux gives to outgoing connections, which could take one from under us."""
_PAUSE_S = 0.02
"""Between two looks at a URL: a fraction of what a start takes."""
_PROBE_S = 5.0
"""One answer; a process that takes longer is asked again."""
_SETTINGS = ("FIGUEIRA_", "LEGACY_", "IMAGE_", "OPENAI_", "POSTGRES_", "PG")
"""How the names of variables begin that would change what our processes do."""

_ANY_PORT = {"LEGACY_CHANGES_PORT": "0"}
"""A monolith's second port: few tests need it, and its default would be everybody's."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    while True:
        port = secrets.choice(_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


_WIDTH = {"COLUMNS": "100"}
"""As wide as the outputs that pages show, however wide the terminal is that tests are run in."""


def environment(**settings: str) -> dict[str, str]:
    """This process's environment without any setting of ours, free ports, and ``settings``."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)
    }
    return inherited | _ANY_PORT | _WIDTH | settings


class Process:
    """A started process, the leader of a process group of its own.

    Attributes:
        stdout: The lines so far, without their ends.
        stderr: The same.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._command = command
        self._changed = threading.Condition()
        self._popen = subprocess.Popen(  # noqa: S603 - our own programs, no shell
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,
        )
        assert self._popen.stdout is not None
        assert self._popen.stderr is not None
        # Pipes that nobody reads would block the process once they are full.
        self._readers = [
            threading.Thread(target=self._collect, args=streams)
            for streams in ((self._popen.stdout, self.stdout), (self._popen.stderr, self.stderr))
        ]
        self._watcher = threading.Thread(target=self._watch)
        for thread in (*self._readers, self._watcher):
            thread.start()

    @property
    def pid(self) -> int:
        """The process's id, which is its group's as well."""
        return self._popen.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process itself has ended; others of its group may be left."""
        return self._popen.returncode is not None

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        """Wait for a whole line of either stream that matches; return the first match."""
        deadline_s = time.monotonic() + PATIENCE_S
        with self._changed:
            while True:
                # Looked at before the lines: what ends now may have said it just before.
                is_over = self.has_ended and not any(r.is_alive() for r in self._readers)
                for line in (*self.stderr, *self.stdout):
                    if match := re.fullmatch(pattern, line):
                        return match
                left_s = deadline_s - time.monotonic()
                if is_over or left_s <= 0:
                    raise AssertionError(self.describe(f"no line matches {pattern!r}"))
                self._changed.wait(min(left_s, 1.0))

    def wait_until_it_answers(self, url: str, status: int = 200) -> bytes:
        """Ask a URL until the status is right; return the body."""
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            with contextlib.suppress(OSError, http.client.HTTPException):
                found, body = fetch(url)
                if found == status:
                    return body
            with self._changed:
                if self._changed.wait_for(lambda: self.has_ended, _PAUSE_S):
                    break
        raise AssertionError(self.describe(f"{url} never answered {status}"))

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone, not to its group."""
        self._popen.send_signal(number)

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        """Wait for the end; return the exit code, negative for a signal."""
        try:
            code = self._popen.wait(patience_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.describe(f"still there after {patience_s:g} s")) from None
        for reader in self._readers:
            reader.join(_PROBE_S)
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM, patience_s: float = PATIENCE_S) -> int:
        """Send a signal and wait for the end; return the exit code."""
        self.send(number)
        return self.wait(patience_s)

    def kill(self) -> None:
        """Kill the process and all of its group, and wait until that is done."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        for thread in (*self._readers, self._watcher):
            thread.join(PATIENCE_S)

    def describe(self, what: str) -> str:
        """A failure's text: what is wrong, and all that the process said."""
        state = f"ended with {self._popen.returncode}" if self.has_ended else "running"
        said = "\n".join((*self.stderr, "-- stdout --", *self.stdout))
        return f"{what} ({' '.join(self._command)}: {state})\n-- stderr --\n{said}"

    def _collect(self, stream: IO[str], lines: list[str]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    lines.append(line.removesuffix("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _watch(self) -> None:
        self._popen.wait()
        with self._changed:
            self._changed.notify_all()


@contextmanager
def running(
    command: Sequence[str], *, folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """Start a process; whatever is left of its group in the end is killed.

    Args:
        command: The program and its arguments.
        folder: Where it works.
        environ: Its whole environment; None means ``environment()``.
    """
    process = Process(command, environment() if environ is None else environ, folder)
    try:
        yield process
    finally:
        process.kill()


def fetch(url: str) -> tuple[int, bytes]:
    """GET a URL once, without redirects or proxies; return status and body.

    Raises:
        OSError: Nobody listens, or no answer comes.
        http.client.HTTPException: What comes is no HTTP.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    target = f"{parts.path or '/'}{'?' * bool(parts.query)}{parts.query}"
    with contextlib.closing(
        http.client.HTTPConnection(parts.hostname, parts.port, timeout=_PROBE_S)
    ) as connection:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read()
