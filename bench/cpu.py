"""What a tree of processes has used so far, from the kernel (Linux; proc(5))."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.cases import KIB

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PARENT, _FIRST_TIME, _BEHIND_TIMES = 1, 13, 15
"""Fields of stat behind the command's name: parent; cutime and cstime."""
_CPU_CLOCK = 2
"""Of the three clocks that Linux keeps for a process, the one of the scheduler: nanoseconds, where
stat has steps of 10 ms, a twentieth of what nginx uses in a round."""
_FORGET_PEAK = "5"
"""What clear_refs wants to hear."""


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """A line of /proc/PID/stat."""

    parent: int
    ended_ticks: int
    """User and system, of its children that have ended."""


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


def cpu_s(pid: int) -> float:
    """Seconds of CPU (user and system) that all threads of a process have used; 0 if it is gone."""
    try:
        # The number that clock_getcpuclockid(3) makes of a process id.
        return time.clock_gettime(~pid << 3 | _CPU_CLOCK)
    except OSError:
        return 0.0


def cpu_of_tree_s(root: int) -> float:
    """Seconds of CPU that a tree has used, its ended children included."""
    stats = _stats()
    pids = tree(root, {pid: stat.parent for pid, stat in stats.items()}) & stats.keys()
    return sum(cpu_s(pid) + stats[pid].ended_ticks / _TICKS_PER_S for pid in pids)


def proportional_bytes(pids: set[int]) -> int:
    """Memory of some processes together; a page that they share counts once (PSS)."""
    return sum(_of(pid, "smaps_rollup", lambda text: parse_bytes(text, "Pss")) for pid in pids)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    return _of(pid, "status", lambda text: parse_bytes(text, "VmRSS"))


def peak_bytes(pid: int) -> int:
    """The most resident memory that a process has had since `forget_peak`."""
    return _of(pid, "status", lambda text: parse_bytes(text, "VmHWM"))


def forget_peak(pid: int) -> None:
    """Let a process's high-water mark begin anew at what it has now."""
    (_PROC / str(pid) / "clear_refs").write_text(_FORGET_PEAK)


def parse_bytes(text: str, name: str) -> int:
    """A field of /proc/PID/status and its like, which is in KiB there; 0 if it is missing."""
    for line in text.splitlines():
        if line.startswith(f"{name}:"):
            return KIB * int(line.split()[1])
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
