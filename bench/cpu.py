"""What a tree of processes has used so far, from /proc (Linux; proc(5))."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.cases import KIB

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PARENT, _FIRST_TIME, _BEHIND_TIMES = 1, 11, 15
"""Fields of stat behind the command's name: parent; utime, stime, cutime, cstime."""


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """A line of /proc/PID/stat."""

    parent: int
    cpu_ticks: int
    """User and system, of the process and of its children that have ended."""


def parse_stat(text: str) -> ProcessStat:
    """Read a stat line; a command's name may hold spaces and parentheses."""
    fields = text[text.rindex(")") + 2 :].split()
    times = fields[_FIRST_TIME:_BEHIND_TIMES]
    return ProcessStat(int(fields[_PARENT]), sum(map(int, times)))


def tree(root: int, parents: dict[int, int]) -> set[int]:
    """A process and all its descendants, given every process's parent."""
    found = {root}
    grew = True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grew = bool(more)
    return found


def _stats() -> dict[int, ProcessStat]:
    found = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                found[int(entry.name)] = parse_stat((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def pids_of_tree(root: int) -> set[int]:
    """The living processes of a tree."""
    return tree(root, {pid: stat.parent for pid, stat in _stats().items()})


def cpu_of_tree_s(root: int) -> float:
    """Seconds of CPU that a tree has used, its ended children included."""
    stats = _stats()
    pids = tree(root, {pid: stat.parent for pid, stat in stats.items()})
    return sum(stats[pid].cpu_ticks for pid in pids if pid in stats) / _TICKS_PER_S


def resident_bytes(pids: set[int]) -> int:
    """Resident memory of some processes together; a page that they share counts once (PSS)."""
    return KIB * sum(_of(pid, "smaps_rollup", parse_pss_kib) for pid in pids)


def parse_pss_kib(text: str) -> int:
    """The proportional set size in /proc/PID/smaps_rollup, in KiB; 0 if it says none."""
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def read_bytes(pid: int) -> int:
    """Bytes that a process has read by read(2), from sockets too."""
    return _of(pid, "io", lambda text: int(text.split()[1]))


def _of(pid: int, name: str, parse: Callable[[str], int]) -> int:
    """A number of a process; 0 if it is gone."""
    try:
        return parse((_PROC / str(pid) / name).read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0
