"""Process settings: the environment, with the command line on top of it.

Only what concerns the process is here; what concerns traffic is in routes.yaml. An empty variable
counts as unset, because compose files pass unset ones on as empty.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from gateway.errors import StartError

MAX_PORT = 65535
MAX_WORKERS = 64
_MAX_CONNECTIONS = 1_000_000
"""Of a worker; Linux has that many descriptors for a process, unless told otherwise."""
_MAX_DRAIN_S = 3600.0
"""An hour: more is surely a unit mistaken."""
LEAST_KEY_CHARACTERS = 16
_MAX_DIGITS = 9
_PREFIX = "FIGUEIRA_"
_AT = len(_PREFIX)
_OF_KUBERNETES = re.compile(r"_SERVICE_(HOST|PORT)|_PORT_[0-9]+_(TCP|UDP|SCTP)")
"""Set in every pod beside a service whose name begins like ours."""
_NO_LINKS = "Kubernetes set it for a service; give the pod enableServiceLinks: false"
_YES = frozenset({"1", "true", "True", "yes", "on"})
_NO = frozenset({"0", "false", "False", "no", "off"})
_SHOWN_CHARACTERS = 60
"""Of an offending value, so that the line stays one line."""


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
    token_key: str | None = None
    """What tokens in access lines are made by; None: one is made, and kept beside the database."""
    drain_s: float = 30.0
    """How long requests in flight may take to end after SIGTERM."""
    drain_delay_s: float = 0.0
    """How long customers are still taken after SIGTERM, when we are not ready any more."""
    resume: bool = False
    """Whether to start by the last accepted revision if routes.yaml cannot be used."""
    tls_cert: Path | None = None
    """PEM, the chain that customers are shown; None for plain HTTP."""
    tls_key: Path | None = None
    """PEM, its key; None exactly if there is no certificate."""
    max_client_connections: int = 10_000
    """Of each worker: a few hundred MiB at the worst, and far more than browsers need at a time of
    which each has six. Fewer where the limit of open files allows no more."""


VARIABLES = {
    "FIGUEIRA_CONFIG": "config",
    "FIGUEIRA_HOST": "host",
    "FIGUEIRA_PORT": "port",
    "FIGUEIRA_ADMIN_HOST": "admin_host",
    "FIGUEIRA_ADMIN_PORT": "admin_port",
    "FIGUEIRA_WORKERS": "workers",
    "FIGUEIRA_DATABASE_URL": "database_url",
    "FIGUEIRA_ACCESS_LOG": "access_log",
    "FIGUEIRA_TOKEN_KEY": "token_key",
    "FIGUEIRA_DRAIN_S": "drain_s",
    "FIGUEIRA_DRAIN_DELAY_S": "drain_delay_s",
    "FIGUEIRA_RESUME": "resume",
    "FIGUEIRA_TLS_CERT": "tls_cert",
    "FIGUEIRA_TLS_KEY": "tls_key",
    "FIGUEIRA_MAX_CLIENT_CONNECTIONS": "max_client_connections",
}
"""Environment variable -> field of `Settings`."""


def read_settings(environment: Mapping[str, str], flags: Mapping[str, object]) -> Settings:
    """Settings from the environment, overruled by the flags that were given (not None).

    Args:
        environment: The process's.
        flags: Fields of `Settings`, as text, number or path; None where a flag was not given.

    Raises:
        StartError: A value cannot be used; the message names the variable or flag.
    """
    values: dict[str, object] = {}
    for variable, field in VARIABLES.items():
        flag = flags.get(field)
        if flag is not None:
            values[field] = _CONVERT[field](f"--{field.replace('_', '-')}", str(flag))
        elif text := environment.get(variable):
            values[field] = _CONVERT[field](variable, text)
    settings = Settings(**values)  # type: ignore[arg-type]  # _CONVERT has seen to the types
    _check_together(settings)
    return settings


def unknown_variables(environment: Iterable[str], own: str) -> dict[str, str]:
    """Variables that look like settings and are none: one that is mistyped changes nothing.

    Args:
        environment: Names of the process's variables.
        own: The text of routes.yaml: what stands there as ``${NAME}`` is the operator's own.

    Returns:
        Each with the setting that may have been meant; empty where none is like it.
    """
    known = [variable[_AT:] for variable in VARIABLES]
    return {
        name: _PREFIX + close[0] if (close := get_close_matches(name[_AT:], known, 1)) else ""
        for name in sorted(environment)
        if name.startswith(_PREFIX)
        and name not in VARIABLES
        and not _OF_KUBERNETES.search(name)
        and f"${{{name}" not in own
    }


def _check_together(settings: Settings) -> None:
    """See that values which are good alone go together.

    Raises:
        StartError: They do not.
    """
    if settings.port and (settings.host, settings.port) == (
        settings.admin_host,
        settings.admin_port,
    ):
        raise StartError(
            f"the customers' and the admin port are both {settings.host}:{settings.port}; "
            "choose another for one of them"
        )
    if (settings.tls_cert is None) is not (settings.tls_key is None):
        given, missing = ("cert", "key") if settings.tls_cert else ("key", "cert")
        raise StartError(
            f"FIGUEIRA_TLS_{given.upper()} or --tls-{given} is given without "
            f"FIGUEIRA_TLS_{missing.upper()} or --tls-{missing}; give both for TLS, or neither"
        )


def _text(source: str, text: str) -> str:
    # An empty host would mean every address of the machine: nobody may ask for that by accident.
    if not text.strip():
        raise _unusable(source, text, "is empty", "give a value, or leave it out")
    if "\0" in text:
        raise _unusable(source, text, "has a NUL", "remove it")
    return text


def _key(source: str, text: str) -> str:
    if len(text) < LEAST_KEY_CHARACTERS:
        # Not shown: it is a secret.
        raise StartError(
            f"{source}: a key of {len(text)} characters is too short; give "
            f"{LEAST_KEY_CHARACTERS} random ones or more"
        )
    return text


def _path(source: str, text: str) -> Path:
    return Path(_text(source, text))


def _whole(least: int, most: int) -> Callable[[str, str], int]:
    def convert(source: str, text: str) -> int:
        # isdecimal alone would take other scripts' digits as well.
        is_number = text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
        if not is_number or not least <= int(text) <= most:
            why = f"is not a whole number from {least} to {most}"
            is_link = text.startswith("tcp://")
            raise _unusable(source, text, why, _NO_LINKS if is_link else "give one")
        return int(text)

    return convert


def _yes_or_no(source: str, text: str) -> bool:
    if text not in _YES | _NO:
        raise _unusable(source, text, "is neither 1 nor 0", "give one of them")
    return text in _YES


def _seconds(source: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _MAX_DRAIN_S:
        why = f"is not a number of seconds from 0 to {_MAX_DRAIN_S:g}"
        raise _unusable(source, text, why, "give one without a unit, such as 30")
    return seconds


def _unusable(source: str, text: str, why: str, remedy: str) -> StartError:
    shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
    return StartError(f"{source}: {shown!r} {why}; {remedy}")


_CONVERT: Mapping[str, Callable[[str, str], object]] = {
    "config": _path,
    "host": _text,
    "port": _whole(0, MAX_PORT),
    "admin_host": _text,
    "admin_port": _whole(0, MAX_PORT),
    "workers": _whole(1, MAX_WORKERS),
    "database_url": _text,
    "access_log": _text,
    "token_key": _key,
    "drain_s": _seconds,
    "drain_delay_s": _seconds,
    "resume": _yes_or_no,
    "tls_cert": _path,
    "tls_key": _path,
    "max_client_connections": _whole(1, _MAX_CONNECTIONS),
}
"""Field -> what makes its value of a text, given the variable or flag that the text comes from."""
