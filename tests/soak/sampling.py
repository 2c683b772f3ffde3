"""What the gateway's processes hold, second by second (Linux: ``/proc``)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look at one process.

    Attributes:
        at_s: Seconds since the run began.
        role: "supervisor", "control", "worker 0", ...
        rss_bytes: Resident memory.
        descriptors: Open file descriptors.
    """

    at_s: float
    role: str
    pid: int
    rss_bytes: int
    descriptors: int


def roles_of(status: dict[str, Any], supervisor: int) -> dict[str, int]:
    """Who is who: role -> process id."""
    workers = {f"worker {n}": worker["pid"] for n, worker in enumerate(status["workers"])}
    return {"supervisor": supervisor, "control": status["control"]["pid"], **workers}


def samples(roles: dict[str, int], at_s: float) -> Iterator[Sample]:
    """Look at each; one that has just died is left out."""
    for role, pid in roles.items():
        with contextlib.suppress(OSError):
            rss_bytes = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
            # The dead hold nothing until their parent has heard of it.
            if rss_bytes:
                yield Sample(
                    at_s=at_s, role=role, pid=pid, rss_bytes=rss_bytes, descriptors=descriptors
                )
