"""`make up` as a person meets it: one command starts all, Ctrl-C ends all, nothing is left."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.polling import eventually
from tests.support.processes import (
    PATIENCE_S,
    Process,
    environment,
    fetch,
    free_port,
    running,
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for what is left in /proc"),
]

ROOT = Path(__file__).parents[2]
UP = [sys.executable, "-m", "tools.up"]
VARIABLES = (
    "FIGUEIRA_PORT",
    "FIGUEIRA_ADMIN_PORT",
    "LEGACY_PORT",
    "LEGACY_CHANGES_PORT",
    "IMAGE_PORT",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """A running ``tools.up``."""

    process: Process
    ports: dict[str, str]

    def url(self, variable: str) -> str:
        """The address of the port that the variable names."""
        return f"http://127.0.0.1:{self.ports[variable]}"

    def left(self) -> list[int]:
        """The id of every living process that was started with these ports."""
        marks = [f"{name}={port}".encode() for name, port in self.ports.items()]
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended meanwhile, or is not ours
                variables = (folder / "environ").read_bytes().split(b"\0")
                found += [int(folder.name)] if all(mark in variables for mark in marks) else []
        return found

    def kill_part(self, module: str) -> None:
        """Kill the part that runs a module, but not what it has started itself."""
        for pid in self.left():
            folder = Path(f"/proc/{pid}")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_text().split("\0")
            titles = {"gateway"} if command[0].startswith("figueira: supervisor") else set()
            if parent == self.process.pid and module in {*command, *titles}:
                os.kill(pid, signal.SIGKILL)

    def wait_until_nothing_is_left(self) -> None:
        """Wait for the last process that was started."""
        eventually(lambda: not self.left(), "no process is left")


@contextmanager
def up(folder: Path, **settings: str) -> Iterator[Up]:
    """Start everything in a folder with a routes.yaml, on free ports."""
    shutil.copy(ROOT / "routes.yaml", folder)
    free: set[int] = set()
    while len(free) < len(VARIABLES):  # the same one may be drawn twice
        free.add(free_port())
    ports = {
        name: settings.pop(name, str(port)) for name, port in zip(VARIABLES, free, strict=True)
    }
    environ = environment(**ports, **settings)
    with running(UP, folder=folder, environ=environ) as process:
        started = Up(process=process, ports=ports)
        try:
            yield started
        finally:
            process.kill()
            # A test that failed must not leave them either: they stop when `up` is gone.
            started.wait_until_nothing_is_left()


@contextmanager
def ready(folder: Path, **settings: str) -> Iterator[Up]:
    """The same, with the banner on the screen."""
    with up(folder, **settings) as started:
        started.process.wait_for_line(r"Figueira is up\. Ctrl-C stops everything\.")
        started.process.wait_for_line(r" *The old images stay .*")
        yield started


def commands(screen: list[str]) -> list[str]:
    """The shell commands of the banner: under each numbered line, indented, up to an empty line."""
    blocks = re.findall(r"\n\d\. [^\n]*\n\n((?:   [^\n]+\n)+)", "\n".join(screen))
    return [block.replace("\n   ", "\n").strip() for block in blocks]


def paste(command: str, folder: Path) -> str:
    """Run a command as in a terminal; return what it prints."""
    done = subprocess.run(  # noqa: S603 - our own banner's words
        ["/bin/sh", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_command_starts_everything_and_a_signal_stops_it_all(
    number: signal.Signals, tmp_path: Path
) -> None:
    """The one URL answers when the banner is there; then exit code 0 and nothing is left."""
    with ready(tmp_path) as started:
        assert fetch(f"{started.url('FIGUEIRA_PORT')}/products") == (200, b"[]\n")
        assert fetch(f"{started.url('FIGUEIRA_ADMIN_PORT')}/readyz")[0] == 200
        assert len(started.left()) >= 4
        assert started.process.stop(number) == 0
        started.wait_until_nothing_is_left()
        assert "up: stopping (Ctrl-C again kills)" in started.process.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"routes.yaml", "var"}


def test_the_three_things_to_try_work_as_they_stand_there(tmp_path: Path) -> None:
    """Each is pasted into a shell; the flip shows in the next order's id."""
    with ready(tmp_path, LEGACY_IMAGE_DELAY="0") as started:
        create, order, flip = commands(started.process.stdout)
        assert '"name":"Caneca"' in paste(create, tmp_path)
        assert paste(order, tmp_path) == "/images/1/file is in praia.png\n"
        assert (tmp_path / "praia.png").read_bytes().startswith(b"\x89PNG")
        paste(flip, tmp_path)
        started.process.wait_for_line(r"gateway +\| .*revision_accepted revision=2 .*")
        assert paste(order, tmp_path) == "/images/1000000001/file is in praia.png\n"
        assert fetch(f"{started.url('FIGUEIRA_PORT')}/images/1")[0] == 200
        (undo,) = re.findall(r"To take it back: (.*)", "\n".join(started.process.stdout))
        paste(undo, tmp_path)
        started.process.wait_for_line(r"gateway +\| .*revision_accepted revision=3 .*")
        assert paste(order, tmp_path) == "/images/2/file is in praia.png\n"
        assert started.process.stop(signal.SIGINT) == 0


def test_every_line_says_who_wrote_it(tmp_path: Path) -> None:
    with ready(tmp_path) as started:
        process = started.process
        process.wait_for_line(r"monolith      \| legacy_stub: listening on .*")
        process.wait_for_line(r"image service \| image_service: listening on .*")
        process.wait_for_line(r"gateway       \| .* started .*")
        assert process.stop(signal.SIGINT) == 0
    assert "\033" not in "\n".join(process.stdout + process.stderr)


@pytest.mark.parametrize(
    ("name", "module"),
    [("monolith", "legacy_stub"), ("image service", "image_service"), ("gateway", "gateway")],
)
def test_when_one_dies_the_others_are_stopped(name: str, module: str, tmp_path: Path) -> None:
    """It is said who died and how, the exit code is not 0, and nothing is left."""
    with ready(tmp_path) as started:
        started.kill_part(module)
        assert started.process.wait() == 1
        assert f"up: {name} was ended by SIGKILL; stopping the others" in started.process.stderr
        started.wait_until_nothing_is_left()


def test_a_part_that_cannot_start_is_named_after_its_own_words(tmp_path: Path) -> None:
    """A routes.yaml with a mistake: the gateway says which, then everything is stopped."""
    with up(tmp_path, FIGUEIRA_CONFIG="missing.yaml") as started:
        assert started.process.wait() == 1
        assert "up: gateway ended with exit code 1; stopping the others" in started.process.stderr
        started.wait_until_nothing_is_left()
    assert any("missing.yaml" in line for line in started.process.stdout)


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_busy_port_is_one_line_and_nothing_is_started(variable: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with up(tmp_path, **{variable: port}) as started:
            assert started.process.wait() == 1
            (line,) = started.process.stderr
            assert started.process.stdout == []
    assert line.startswith(f"up: port {port}: address already in use; ")
    assert line.endswith(variable)


def test_a_second_one_in_the_same_folder_is_refused_whatever_its_ports(tmp_path: Path) -> None:
    """Both would write to var; the first goes on, and when it has ended the folder is free."""
    with ready(tmp_path) as first:
        with up(tmp_path) as second:
            assert second.process.wait() == 1
            assert second.process.stdout == []
            (line,) = second.process.stderr
        assert line == (
            f"up: another `make up` (process {first.process.pid}) runs in this folder and keeps "
            "its state in var; stop it, or start this one in a copy of the folder"
        )
        assert fetch(f"{first.url('FIGUEIRA_PORT')}/products") == (200, b"[]\n")
        assert first.process.stop(signal.SIGINT) == 0
    with ready(tmp_path) as third:
        assert third.process.stop(signal.SIGINT) == 0


def test_a_second_ctrl_c_does_not_wait_for_requests_in_flight(tmp_path: Path) -> None:
    """The first waits for an order that takes a minute; the second ends it all."""
    with ready(tmp_path, LEGACY_IMAGE_DELAY="60") as started:
        port = int(started.ports["FIGUEIRA_PORT"])
        with socket.create_connection(("127.0.0.1", port)) as customer:
            body = b'{"prompt": "uma praia"}'
            customer.sendall(
                b"POST /images HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            monolith = started.url("LEGACY_PORT")
            eventually(lambda: b"pendente" in fetch(f"{monolith}/images")[1], "an order")
            started.process.send(signal.SIGINT)
            started.process.wait_for_line(r"up: stopping .*")
            started.process.wait_for_line(r"gateway +\| .*draining.*")
            assert started.process.stop(signal.SIGINT) == 1
        started.wait_until_nothing_is_left()


def test_nothing_is_left_even_when_it_is_killed_itself(tmp_path: Path) -> None:
    with ready(tmp_path) as started:
        assert started.process.stop(signal.SIGKILL) == -signal.SIGKILL
        started.wait_until_nothing_is_left()


def test_it_stops_when_nobody_reads_it_any_more(tmp_path: Path) -> None:
    """As in ``make up | head -3``: everything is stopped, without a traceback."""
    shutil.copy(ROOT / "routes.yaml", tmp_path)
    ports = {name: str(free_port()) for name in VARIABLES}
    command = ["/bin/sh", "-c", '"$0" -m tools.up | head -3', sys.executable]
    with running(command, folder=tmp_path, environ=environment(**ports)) as process:
        started = Up(process=process, ports=ports)
        process.wait()
        started.wait_until_nothing_is_left()
    assert len(process.stdout) == 3
    assert "Traceback" not in "\n".join(process.stderr)
