"""Access lines reach their reader whole and in order, and never hold anything up."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.proxy.access_log import AccessLog


def _line(number: int, path: str = "/") -> bytes:
    return json.dumps({"path": path, "revision": number}).encode() + b"\n"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A log file and its descriptor."""
    path = tmp_path / "access.log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    yield path, descriptor
    os.close(descriptor)


def test_lines_are_written_in_order_and_all_by_the_end(file: tuple[Path, int]) -> None:
    path, descriptor = file
    log = AccessLog(descriptor)
    for number in range(1, 1_001):
        log.add(_line(number), 1)
    log.close()
    revisions = [json.loads(line)["revision"] for line in path.read_text().splitlines()]
    assert revisions == list(range(1, 1_001))
    assert log.dropped == 0


def test_a_file_that_was_moved_away_gets_the_lines_before_and_a_new_one_those_behind(
    tmp_path: Path,
) -> None:
    """And nothing of the old one stays open: its place on the disk is free once it is removed."""
    path = tmp_path / "access.log"
    before = len(os.listdir("/proc/self/fd"))
    log = AccessLog(os.open(path, os.O_WRONLY | os.O_CREAT))
    log.add(_line(1), 1)
    for number in (2, 3):
        path.rename(tmp_path / f"access.log.{number - 1}")
        log.reopen(os.open(path, os.O_WRONLY | os.O_CREAT))
        log.add(_line(number), 1)
    log.close()
    written = [path.with_name(name).read_bytes() for name in _ROTATED]
    assert written == [_line(1), _line(2), _line(3)]
    assert len(os.listdir("/proc/self/fd")) == before + 1


_ROTATED = ("access.log.1", "access.log.2", "access.log")


def test_a_line_longer_than_an_atomic_write_is_written_whole(file: tuple[Path, int]) -> None:
    path, descriptor = file
    log = AccessLog(descriptor)
    log.add(_line(1, "/" + "x" * 10_000), 1)
    log.add(_line(2), 1)
    log.close()
    first, second = path.read_text().splitlines()
    assert (len(json.loads(first)["path"]), json.loads(second)["revision"]) == (10_001, 2)


def test_a_reader_who_does_not_read_loses_lines_and_holds_nothing_up() -> None:
    read_end, write_end = os.pipe()
    log = AccessLog(write_end)
    count = 64 * 2_000
    for number in range(count):
        log.add(_line(number, "/" + "x" * 200), 1)
    assert 0 < log.dropped < count
    # Whoever stops the gateway does not wait for such a reader either.
    log.close(patience_s=0.01)
    os.close(read_end)
    log.close()
    os.close(write_end)


def test_a_reader_who_has_gone_costs_lines_and_nothing_else() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    log = AccessLog(write_end)
    log.add(_line(1), 1)
    log.close()
    assert log.dropped == 1
    os.close(write_end)


def test_no_descriptor_means_no_lines() -> None:
    log = AccessLog(None)
    log.add(_line(1), 1)
    log.close()
    assert log.dropped == 0
