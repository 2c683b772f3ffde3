"""What /proc says."""

from __future__ import annotations

import os

import pytest

from bench.cpu import parse_pss_kib, parse_stat, tree

# As proc(5) orders them: utime, stime, cutime and cstime are the 14th to 17th field.
_REST = "S 41 40 40 0 -1 4194304 100 0 0 0 700 50 6 3 20 0 1 0 495049 3133440 414"


@pytest.mark.parametrize("name", ["envoy", "tmux: server", "a) b (c", "((", "9 9 9 9 9"])
def test_a_stat_line_is_read_whatever_the_command_is_called(name: str) -> None:
    stat = parse_stat(f"77 ({name}) {_REST}\n")
    assert stat.parent == 41
    assert stat.cpu_ticks == 700 + 50 + 6 + 3


def test_a_tree_holds_children_and_theirs_and_nobody_else() -> None:
    parents = {1: 0, 10: 1, 11: 10, 12: 10, 13: 12, 20: 1, 21: 20}
    assert tree(10, parents) == {10, 11, 12, 13}
    assert tree(13, parents) == {13}
    assert tree(99, parents) == {99}


def test_memory_is_the_share_that_a_process_has_of_its_pages() -> None:
    text = "5590-7ffd ---p 00000000 00:00 0 [rollup]\nRss: 7000 kB\nPss:  5120 kB\nPss_Anon: 9 kB\n"
    assert parse_pss_kib(text) == 5120
    assert parse_pss_kib("") == 0


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_this_process_has_used_some_cpu() -> None:
    with open(f"/proc/{os.getpid()}/stat", encoding="utf-8") as file:
        stat = parse_stat(file.read())
    assert stat.parent == os.getppid()
    assert stat.cpu_ticks > 0
