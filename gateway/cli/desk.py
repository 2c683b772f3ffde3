"""Where a verb that changes routes.yaml works: the file, and the gateway that runs by it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from gateway.admin.operations import ReloadResult
from gateway.cli.admin import NOBODY, Admin, NobodyThereError, admin_url
from gateway.control.authorities import CertificateFiles
from gateway.control.file import read_config
from gateway.control.loading import load_text
from gateway.errors import ConfigError, GatewayError, Problem
from gateway.settings import Settings

CONFIG = "FIGUEIRA_CONFIG"
LEFT_ALONE = f"running gateways are left alone (--admin {NOBODY})"
_LOOKS = 5
"""At a file that others change at the same time, until the gateway and we see the same."""


class StoppedError(GatewayError):
    """A verb goes no further; nothing was changed."""

    def __init__(self, message: str, hint: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.hint = hint
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a verb works: the file, and the gateway that runs by it."""

    file: Path
    text: bytes | None
    """What the file holds; None if it is not there."""
    admin: Admin | None
    """None where running gateways are to be left alone, or none is running."""
    running: ReloadResult | None
    """What the gateway says before anything is changed; None without one."""
    not_running: str
    """Why nobody takes the change at once, in words; empty with a gateway."""


def digest_of(text: bytes | None) -> str:
    """SHA-256, hexadecimal; empty for a file that is not there."""
    return hashlib.sha256(text).hexdigest() if text is not None else ""


def open_desk(settings: Settings, config: Path | None, admin: str | None) -> Desk:
    """Find the file and the gateway.

    Args:
        settings: Of the environment.
        config: The file, where it was named.
        admin: The admin port's URL, `NOBODY`, or None for the one of the settings.

    Raises:
        StoppedError: The gateway that runs here runs by another file.
        ConfigError: The file is there and cannot be read.
        AdminError: What listens on the admin port gives no answer.
        ValueError: `admin` is no URL.
    """
    if admin == NOBODY:
        file = config or settings.config
        return Desk(file=file, text=_read(file), admin=None, running=None, not_running=LEFT_ALONE)
    talk = Admin(admin or admin_url(settings))
    try:
        running = talk.reload()
    except NobodyThereError as error:
        file = config or settings.config
        return Desk(file=file, text=_read(file), admin=None, running=None, not_running=str(error))
    file = _find(settings, config, running)
    text = _read(file)
    for _ in range(_LOOKS):
        if digest_of(text) == running.file_digest:
            break
        # It may have been changed between the two looks.
        running, text = talk.reload(), _read(file)
    else:
        raise StoppedError(
            f"the gateway at {talk.url} runs by {running.path}, which holds something else than "
            f"{file}",
            f"name its file with --config, or edit this one alone with --admin {NOBODY}",
        )
    return Desk(file=file, text=text, admin=talk, running=running, not_running="")


def _find(settings: Settings, config: Path | None, running: ReloadResult) -> Path:
    """The file that was named, else the one here, else the gateway's own."""
    if config is not None or os.environ.get(CONFIG) or settings.config.exists():
        return config or settings.config
    return Path(running.path)


def _read(file: Path) -> bytes | None:
    if not os.path.lexists(file):
        return None
    return read_config(file)


def problems_of(text: bytes, file: Path) -> tuple[Problem, ...]:
    """What is wrong with a text at the file's place, in the environment of this command."""
    try:
        load_text(text, os.environ, CertificateFiles(file.parent))
    except ConfigError as error:
        return error.problems
    return ()
