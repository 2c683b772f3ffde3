"""Reads routes.yaml from the disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gateway.config import SIZE_LIMIT_BYTES, too_large
from gateway.errors import ConfigError, Problem


def read_config(path: Path) -> bytes:
    """The file's bytes, never more than the limit for routes.yaml.

    Raises:
        ConfigError: It cannot be read, or is larger than the limit.
    """
    try:
        # Without waiting: a pipe that nobody writes to would hold up every later flip.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _unreadable("it is not a regular file")
            text = file.read(SIZE_LIMIT_BYTES + 1)
    except OSError as error:
        raise _unreadable(error.strerror or str(error)) from error
    if len(text) > SIZE_LIMIT_BYTES:
        raise too_large(max(status.st_size, len(text)))
    return text


def _unreadable(why: str) -> ConfigError:
    message = f"cannot read the file: {why}"
    return ConfigError([Problem(line=None, column=None, path="", message=message)])
