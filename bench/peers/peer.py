"""What the bench knows of a proxy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent
"""Where the bench's environment has its programs."""
ONE_THREAD = {"GOMAXPROCS": "1"}
"""Go runs a server's code on one processor at a time."""


class MissingError(Exception):
    """A proxy is not installed; the message says what was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a proxy is to be."""

    folder: Path
    """An empty folder of its own."""
    origins: Mapping[str, int]
    """Name -> port of 127.0.0.1; two names that lead to the same process."""
    port: int
    """Where it is to listen on 127.0.0.1."""
    admin_port: int
    """Likewise, for a proxy that has a port of its own for operators."""
    routes: int = 100
    workers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a proxy is started, its configuration being written."""

    command: list[str]
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A proxy that can be measured."""

    name: str
    """As on the command line."""
    label: str
    prepare: Callable[[Setting], Launch]
    """Writes the configuration; raises `MissingError`."""
    features: str
    """What is switched on, for the text around the tables."""
    is_sticky: bool = False
    """Whether it keeps each customer on one side, by hash: then that is looked at first."""


def program(name: str) -> str:
    """The path of a program in the bench's environment.

    Raises:
        MissingError: It is not there.
    """
    path = BIN / name
    if not path.is_file():
        raise MissingError(f"{name} is not in the bench's environment")
    return str(path)
