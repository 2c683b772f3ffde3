"""From a changed text to workers that route by it: the way that `set` and `undo` share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.admin.operations import ReloadResult
from gateway.cli.admin import AdminError, NobodyThereError, announcement
from gateway.cli.desk import CONFIG, LEFT_ALONE, Desk, StoppedError, digest_of, open_desk
from gateway.cli.effect import effects
from gateway.cli.outcome import Outcome
from gateway.config.line_diff import line_diff
from gateway.config.splits import has_safety
from gateway.config.wording import Refusal, plural
from gateway.control.replacing import (
    ChangedError,
    ReplaceError,
    create_content,
    replace_content,
)
from gateway.errors import ConfigError, GatewayError
from gateway.settings import Settings, read_settings

_CONTEXT = 1
"""Lines around a change: enough to see where it is, few enough for a small terminal."""


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
    unchanged: str
    """What is said if the file holds the text already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What both verbs can be told."""

    config: Path | None
    """The file, where it was named."""
    admin: str | None
    """The admin port's URL, ``none``, or None for the one of the settings."""
    dry_run: bool
    force: bool = False
    """Whether it is to serve even if ``safety`` finds that it moves too much."""


def change_file(options: Options, make: Callable[[Desk, Settings], Change]) -> Outcome:
    """Find file and gateway, make a change and carry it out; whatever stops it is an outcome.

    Raises:
        ValueError: `options.admin` is no URL.
    """
    file = str(options.config or os.environ.get(CONFIG) or Settings().config)
    try:
        settings = read_settings(os.environ, {})
        desk = open_desk(settings, options.config, options.admin)
        file = str(desk.file)
        return carry_out(desk, make(desk, settings), options)
    except StoppedError as error:
        problems, message, hint = error.problems, str(error), error.hint
    except Refusal as error:
        problems, message, hint = (), error.message, error.hint
    except ConfigError as error:
        count = plural(len(error.problems), "problem")
        problems, message, hint = error.problems, f"{count} in the file; nothing was changed", ""
    except GatewayError as error:
        problems, message, hint = (), str(error), ""
    return Outcome(state="failed", file=file, message=message, hint=hint, problems=list(problems))


def carry_out(desk: Desk, change: Change, options: Options) -> Outcome:
    """Write the file, and wait until the gateway has taken it."""
    outcome = Outcome(state="dry_run", file=str(desk.file), message="nothing was changed (dry run)")
    if change.text == desk.text:
        outcome.state, outcome.message = "unchanged", change.unchanged
        outcome.revision = desk.running.revision if desk.running else None
        return outcome
    outcome.diff = line_diff(desk.text or b"", change.text, context=_CONTEXT)
    outcome.effects = effects(change.served, change.text)
    outcome.served_already = desk.running is not None and change.text == change.served
    if options.dry_run:
        outcome.notes = _not_asked(desk, change)
        return outcome
    began_s = time.monotonic()
    try:
        _announce(desk, change, force=options.force)
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


def _not_asked(desk: Desk, change: Change) -> list[str]:
    """What a dry run leaves open."""
    is_free = desk.admin is None or change.restores is not None
    try:
        if is_free or not has_safety(change.served):
            return []
    except ConfigError:
        return []
    return ["safety.max_moved is asked when it is written; figueira diff tells beforehand"]


def _announce(desk: Desk, change: Change, *, force: bool) -> None:
    if desk.admin is not None:
        told = announcement(digest_of(change.text), change.how, change.restores, force=force)
        desk.admin.announce(told)


def _write(desk: Desk, old: bytes | None, new: bytes) -> list[str]:
    if old is not None:
        return replace_content(desk.file, old, new)
    create_content(desk.file, new)
    return []


def _await_effect(desk: Desk, change: Change, outcome: Outcome) -> None:
    """Find out what the gateway makes of the file; put the old one back if it is refused."""
    if desk.admin is None:
        is_wanted = desk.not_running == LEFT_ALONE
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
