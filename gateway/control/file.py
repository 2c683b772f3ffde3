"""Reads routes.yaml from the disk."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.config import SIZE_LIMIT_BYTES, too_large
from gateway.errors import ConfigError, Problem


def read_config(path: Path) -> bytes:
    """The file's bytes, never more than the limit for routes.yaml.

    Raises:
        ConfigError: It cannot be read, or is larger than the limit.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            text = file.read(SIZE_LIMIT_BYTES + 1)
    except OSError as error:
        message = f"cannot read the file: {error.strerror or error}"
        raise ConfigError([Problem(line=None, column=None, path="", message=message)]) from error
    if len(text) > SIZE_LIMIT_BYTES:
        raise too_large(max(size, len(text)))
    return text
