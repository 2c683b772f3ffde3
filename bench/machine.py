"""The machine that the numbers were taken on."""

from __future__ import annotations

import os
import platform
import re
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a reader needs to know to weigh the numbers."""

    date: str
    cpu: str
    cores: int
    """That this process may use."""
    memory_gib: int
    kernel: str
    python: str
    load: float
    """Mean number of processes that wanted a core in the minute before the first measurement."""


def this_machine() -> Machine:
    """The machine at hand, today."""
    return Machine(
        date=time.strftime("%Y-%m-%d"),
        cpu=_first(r"^model name\s*:\s*(.+)$", "/proc/cpuinfo") or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=int(_first(r"^MemTotal:\s*(\d+)", "/proc/meminfo") or 0) // (1024 * 1024),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        load=os.getloadavg()[0],
    )


def _first(pattern: str, path: str) -> str:
    found = re.search(pattern, Path(path).read_text(), re.MULTILINE)
    return found[1].strip() if found else ""
