"""Reads files that an operator writes: routes.yaml, and what it names."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from gateway.config import SIZE_LIMIT_BYTES, too_large
from gateway.errors import ConfigError, Problem


def read_config(path: Path) -> bytes:
    """The bytes of routes.yaml, never more than the limit for it.

    Raises:
        ConfigError: It cannot be read, or is larger than the limit.
    """
    try:
        text, size = read_regular(path, SIZE_LIMIT_BYTES)
    except OSError as error:
        message = f"cannot read the file: {error.strerror or error}"
        problem = Problem(line=None, column=None, path="", message=message)
        raise ConfigError([problem]) from error
    if len(text) > SIZE_LIMIT_BYTES:
        raise too_large(size)
    return text


def read_regular(path: Path, limit_bytes: int) -> tuple[bytes, int]:
    """What a file holds, never more than one byte over the limit, and its size.

    Raises:
        OSError: It cannot be read, or is a pipe, a device or a folder.
    """
    # Without waiting: a pipe that nobody writes to would hold up every later flip.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        # A folder is refused here, and the descriptor would stay open.
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(limit_bytes + 1)
    finally:
        os.close(descriptor)
    return content, max(status.st_size, len(content))
