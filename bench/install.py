"""Fills the bench's environment from its lock, without what has no wheel for this machine.

``python -m bench.install`` is run by the environment's own interpreter. Everything at once first;
only if that fails is each package tried alone, and those that cannot be had are named.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

_LOCK = Path(__file__).with_name("requirements.lock")
_NEEDED = frozenset({"uvloop"})
"""Without these nothing can be measured."""
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")


def split(lock: str) -> dict[str, str]:
    """The packages of a lock file: name -> its lines."""
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", lock)
    found = {}
    for block in blocks:
        if name := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", block):
            found[name[0].lower()] = block
    return found


def main() -> int:
    """Install; 1 if something is missing that the bench itself needs."""
    lock = _LOCK.read_text()
    if not _install(lock):
        return 0
    missing = {name: why for name, block in split(lock).items() if (why := _install(block))}
    for name, why in missing.items():
        sys.stdout.write(f"bench: {name} cannot be installed here: {why}\n")
    return 1 if _NEEDED & missing.keys() else 0


def _install(lock: str) -> str:
    """Install what a lock file says; return why that failed, or nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as file:
        file.write(lock)
        file.flush()
        done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, *_PIP, "--require-hashes", "-r", file.name],
            check=False,
            capture_output=True,
            text=True,
        )
    lines = done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"]
    return lines[-1] if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main())
