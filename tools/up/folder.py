"""The folder for everybody's state: made, and held by one `make up` at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tools.up.errors import UpError

_LOCK = "up.lock"


def take_folder(folder: Path) -> int:
    """Make the folder unless it is there, and hold it until this process ends, however it does.

    Two at once would share databases and pictures, and each would number as if it were alone.

    Returns:
        The descriptor of the lock, which nobody closes and no child inherits.

    Raises:
        UpError: It cannot be made, or another `make up` holds it.
    """
    try:
        folder.mkdir(exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UpError(f"{folder}: {error.strerror}; remove what is there") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(lock, 20).decode(errors="replace").strip()
        os.close(lock)
        who = f"process {holder}" if holder.isdecimal() else "another process"
        raise UpError(
            f"another `make up` ({who}) runs in this folder and keeps its state in {folder}; "
            "stop it, or start this one in a copy of the folder"
        ) from error
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock
