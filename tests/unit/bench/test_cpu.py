"""What the kernel says of processes."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import time

import pytest

from bench.cpu import (
    cpu_of_tree_s,
    cpu_s,
    forget_peak,
    parse_bytes,
    parse_stat,
    peak_bytes,
    resident_bytes,
    tree,
)

linux = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
# As proc(5) orders them: utime, stime, cutime and cstime are the 14th to 17th field.
_REST = "S 41 40 40 0 -1 4194304 100 0 0 0 700 50 6 3 20 0 1 0 495049 3133440 414"


@pytest.mark.parametrize("name", ["envoy", "tmux: server", "a) b (c", "((", "9 9 9 9 9"])
def test_a_stat_line_is_read_whatever_the_command_is_called(name: str) -> None:
    stat = parse_stat(f"77 ({name}) {_REST}\n")
    assert stat.parent == 41
    assert stat.ended_ticks == 6 + 3


def test_a_tree_holds_children_and_theirs_and_nobody_else() -> None:
    parents = {1: 0, 10: 1, 11: 10, 12: 10, 13: 12, 20: 1, 21: 20}
    assert tree(10, parents) == {10, 11, 12, 13}
    assert tree(13, parents) == {13}
    assert tree(99, parents) == {99}


def test_memory_is_the_share_that_a_process_has_of_its_pages() -> None:
    text = "5590-7ffd ---p 00000000 00:00 0 [rollup]\nRss: 7000 kB\nPss:  5120 kB\nPss_Anon: 9 kB\n"
    assert parse_bytes(text, "Pss") == 5120 * 1024
    assert parse_bytes("", "Pss") == 0


@linux
def test_the_cpu_of_a_process_is_its_own_clock() -> None:
    before_s = cpu_s(os.getpid())
    assert before_s <= time.process_time() <= cpu_s(os.getpid())


@linux
def test_a_tree_has_used_what_its_ended_children_have() -> None:
    """Ten ticks of work in a child that is gone must be found in its parent's numbers."""
    before_s = cpu_of_tree_s(os.getpid())
    work = "import time\nwhile time.process_time() < 0.1: pass"
    subprocess.run([sys.executable, "-S", "-c", work], check=True)  # noqa: S603 - our own words
    assert cpu_of_tree_s(os.getpid()) - before_s > 0.08


def test_a_process_that_is_gone_uses_nothing() -> None:
    child = subprocess.run(
        [sys.executable, "-S", "-c", "import os; print(os.getpid())"],
        check=True,
        capture_output=True,
        text=True,
    )
    pid = int(child.stdout)
    assert cpu_s(pid) == 0
    assert resident_bytes(pid) == peak_bytes(pid) == 0


@linux
def test_the_high_water_mark_remembers_what_was_given_back() -> None:
    pid, size = os.getpid(), 32 * 1024 * 1024
    forget_peak(pid)
    before = resident_bytes(pid)
    with mmap.mmap(-1, size) as pages:
        pages.write(b"x" * size)
    assert resident_bytes(pid) < before + size / 2
    assert peak_bytes(pid) > before + size * 0.9
