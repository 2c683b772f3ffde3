"""Process settings: the environment, with the command line on top of it.

Only what concerns the process is here; what concerns traffic is in routes.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import StartError

_MAX_PORT = 65535
_MAX_WORKERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one `figueira serve` runs."""

    config: Path = Path("routes.yaml")
    host: str = "127.0.0.1"
    port: int = 8000
    """Customers' port; 0 takes any free one."""
    admin_host: str = "127.0.0.1"
    """Loopback unless told otherwise: the admin port asks nobody who they are."""
    admin_port: int = 9000
    workers: int = 2
    database_url: str = "sqlite+aiosqlite:///var/figueira.db"
    access_log: str = "-"
    """``-`` for standard output, ``off``, or a file's path."""
    drain_s: float = 30.0
    """How long requests in flight may take to end after SIGTERM."""


VARIABLES = {
    "FIGUEIRA_CONFIG": "config",
    "FIGUEIRA_HOST": "host",
    "FIGUEIRA_PORT": "port",
    "FIGUEIRA_ADMIN_HOST": "admin_host",
    "FIGUEIRA_ADMIN_PORT": "admin_port",
    "FIGUEIRA_WORKERS": "workers",
    "FIGUEIRA_DATABASE_URL": "database_url",
    "FIGUEIRA_ACCESS_LOG": "access_log",
    "FIGUEIRA_DRAIN_S": "drain_s",
}
"""Environment variable -> field of `Settings`."""


def read_settings(environment: Mapping[str, str], flags: Mapping[str, object]) -> Settings:
    """Settings from the environment, overruled by the flags that were given (not None).

    Raises:
        StartError: A value cannot be used; the message names the variable or flag.
    """
    values: dict[str, object] = {}
    for variable, field in VARIABLES.items():
        if environment.get(variable):
            values[field] = _convert(variable, field, environment[variable])
    values |= {field: value for field, value in flags.items() if value is not None}
    settings = Settings(**values)  # type: ignore[arg-type]  # _convert has seen to the types
    _check_range("port", settings.port, 0, _MAX_PORT)
    _check_range("admin port", settings.admin_port, 0, _MAX_PORT)
    _check_range("workers", settings.workers, 1, _MAX_WORKERS)
    return settings


def _convert(variable: str, field: str, text: str) -> object:
    try:
        if field in {"port", "admin_port", "workers"}:
            return int(text)
        if field == "drain_s":
            return float(text)
    except ValueError:
        raise StartError(f"{variable}={text!r} is not a number") from None
    return Path(text) if field == "config" else text


def _check_range(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise StartError(f"{what} {value} is out of range: give {least} to {most}")
