"""From a changed text to workers that route by it: the way that `set` and `undo` share."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.admin.operations import ReloadResult
from gateway.cli.admin import NOBODY, Admin, AdminError, NobodyThereError, admin_url, announcement
from gateway.cli.effect import effects
from gateway.cli.outcome import Outcome
from gateway.config.line_diff import line_diff
from gateway.config.wording import plural
from gateway.control.authorities import CertificateFiles
from gateway.control.file import read_config
from gateway.control.loading import load_text
from gateway.control.replacing import (
    ChangedError,
    ReplaceError,
    create_content,
    replace_content,
)
from gateway.errors import ConfigError, GatewayError, Problem
from gateway.settings import Settings

CONFIG = "FIGUEIRA_CONFIG"
_CONTEXT = 1
"""Lines around a change: enough to see where it is, few enough for a small terminal."""
_LOOKS = 5
"""At a file that others change at the same time, until the gateway and we see the same."""
_LEFT_ALONE = f"running gateways are left alone (--admin {NOBODY})"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be written."""

    text: bytes
    served: bytes
    """By what customers are served until then."""
    how: str
    """The command, for the history."""
    by_hand: tuple[str, ...]
    """For somebody who can only edit the file otherwise."""
    restores: int | None = None
    force: bool = False
    """Whether it is to serve even if ``safety`` finds that it moves too much."""
    unchanged: str
    """What is said if the file holds the text already."""


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
        return Desk(file=file, text=_read(file), admin=None, running=None, not_running=_LEFT_ALONE)
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


def carry_out(desk: Desk, change: Change, *, dry_run: bool) -> Outcome:
    """Write the file, and wait until the gateway has taken it."""
    outcome = Outcome(state="dry_run", file=str(desk.file), message="nothing was changed (dry run)")
    if change.text == desk.text:
        outcome.state, outcome.message = "unchanged", change.unchanged
        outcome.revision = desk.running.revision if desk.running else None
        return outcome
    outcome.diff = line_diff(desk.text or b"", change.text, context=_CONTEXT)
    outcome.effects = effects(change.served, change.text)
    outcome.served_already = desk.running is not None and change.text == change.served
    if dry_run:
        return outcome
    began_s = time.monotonic()
    try:
        _announce(desk, change)
        outcome.notes = _write(desk, desk.text, change.text)
    except ChangedError as error:
        return _fail(outcome, str(error), "run the command again")
    except (ReplaceError, AdminError, NobodyThereError) as error:
        outcome.by_hand = list(change.by_hand)
        return _fail(outcome, f"{error}; nothing was changed", "make this edit by hand")
    _await_effect(desk, change, outcome)
    if outcome.state == "serving":
        outcome.in_effect_after_s = round(time.monotonic() - began_s, 4)
        outcome.message += f", {outcome.in_effect_after_s * 1000:.0f} ms after the change began"
    return outcome


def _fail(outcome: Outcome, message: str, hint: str) -> Outcome:
    outcome.state, outcome.message, outcome.hint = "failed", message, hint
    return outcome


def _announce(desk: Desk, change: Change) -> None:
    if desk.admin is not None:
        told = announcement(digest_of(change.text), change.how, change.restores, force=change.force)
        desk.admin.announce(told)


def _write(desk: Desk, old: bytes | None, new: bytes) -> list[str]:
    if old is not None:
        return replace_content(desk.file, old, new)
    create_content(desk.file, new)
    return []


def _await_effect(desk: Desk, change: Change, outcome: Outcome) -> None:
    """Find out what the gateway makes of the file; put the old one back if it is refused."""
    if desk.admin is None:
        is_wanted = desk.not_running == _LEFT_ALONE
        outcome.state = "written" if is_wanted else "not_running"
        outcome.message = f"{desk.file} is changed, but {desk.not_running}"
        return
    try:
        result = desk.admin.reload()
    except (AdminError, NobodyThereError) as error:
        outcome.state = "not_running"
        outcome.message = f"{desk.file} is changed, but whether it serves is unknown: {error}"
        return
    outcome.revision = result.revision
    for applies, judge in _JUDGES:
        if applies(result, digest_of(change.text)):
            judge(desk, change, outcome, result)
            return


def _refused(desk: Desk, change: Change, outcome: Outcome, result: ReloadResult) -> None:
    outcome.state, outcome.problems = "refused", list(result.problems)
    outcome.message = f"the gateway refuses this; revision {result.revision} serves on"
    try:
        if desk.text is None:
            return
        replace_content(desk.file, change.text, desk.text)
    except ReplaceError as error:
        outcome.message += f"; {desk.file} could not be put back as it was: {error}"
    else:
        outcome.message += f", and {desk.file} is as it was"


def _overtaken(desk: Desk, _change: Change, outcome: Outcome, result: ReloadResult) -> None:
    outcome.state = "overtaken"
    outcome.message = (
        f"somebody has changed {desk.file} again; revision {result.revision} serves now"
    )
    outcome.hint = "figueira history"


def who_is_behind(result: ReloadResult) -> str:
    """Which workers have not taken a revision, and so probably hang."""
    if not result.workers:
        return "no worker is alive"
    hung = ", ".join(map(str, result.behind))
    return f"worker {hung} has not taken it and may hang"


def _behind(_desk: Desk, _change: Change, outcome: Outcome, result: ReloadResult) -> None:
    outcome.state, outcome.behind = "behind", list(result.behind)
    outcome.message = f"revision {result.revision} is accepted, but {who_is_behind(result)}"
    outcome.hint = "figueira reload looks again"


def _serving(_desk: Desk, _change: Change, outcome: Outcome, result: ReloadResult) -> None:
    outcome.state = "serving"
    workers = plural(result.workers, "worker")
    outcome.message = f"revision {result.revision} serves on {workers}"


_Judge = Callable[[Desk, Change, Outcome, ReloadResult], None]
_JUDGES: tuple[tuple[Callable[[ReloadResult, str], bool], _Judge], ...] = (
    (lambda result, digest: bool(result.problems) and result.file_digest == digest, _refused),
    (lambda result, digest: result.digest != digest, _overtaken),
    (lambda result, _: bool(result.behind) or not result.workers, _behind),
    (lambda _result, _digest: True, _serving),
)
"""In order: the first that applies."""
