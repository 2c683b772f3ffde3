"""How much memory a process has had at most, from the kernel's own books."""

from __future__ import annotations

import re
from pathlib import Path


def peak_bytes(pid: int) -> int:
    """Return the most since the peak was forgotten, or since the start."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def forget_peak(pid: int) -> int:
    """Let the peak begin at what is held now; return that."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak_bytes(pid)
