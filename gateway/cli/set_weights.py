"""`figueira set`: other weights for a route, written into routes.yaml and in effect on return."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gateway.cli.changing import Change, Desk, StoppedError, carry_out, digest_of, open_desk
from gateway.cli.changing import problems_of as local_problems_of
from gateway.cli.outcome import Outcome, show
from gateway.config.edit import Edit, set_weights
from gateway.config.layout import Weight
from gateway.config.scalars import read_plain
from gateway.config.units import weight
from gateway.config.wording import Refusal, plural
from gateway.errors import ConfigError, GatewayError
from gateway.settings import read_settings


def read_asked(written: Sequence[str]) -> dict[str, Weight]:
    """``BACKEND=PERCENT`` each; a percent sign may follow, and ``rest`` may stand for a number.

    Raises:
        ValueError: One is not.
    """
    asked: dict[str, Weight] = {}
    for pair in written:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"{pair!r} is no BACKEND=PERCENT: write image_service=25")
        if name in asked:
            raise ValueError(f"{name} is named twice")
        try:
            asked[name] = weight(read_plain(value.removesuffix("%")))
        except Refusal as refusal:
            raise ValueError(f"{name}: {refusal.message}") from refusal
    return asked


def set_(  # noqa: PLR0913 - an argument for each option
    route: str,
    asked: Mapping[str, Weight],
    *,
    written: Sequence[str],
    config: Path | None,
    admin: str | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Give a route other weights; `force` lets ``safety`` pass them whatever they move.

    Returns:
        The exit code, as `gateway.cli.outcome` has it.

    Raises:
        ValueError: `admin` is no URL.
    """
    named = str(config or os.environ.get("FIGUEIRA_CONFIG") or "routes.yaml")
    try:
        desk = open_desk(read_settings(os.environ, {}), config, admin)
        named = str(desk.file)
        how = " ".join(["set", route, *written, *(["--force"] if force else [])])
        change = replace(_change(desk, route, asked, how=how), force=force)
        outcome = carry_out(desk, change, dry_run=dry_run)
    except StoppedError as error:
        outcome = Outcome(state="failed", file=named, message=str(error), hint=error.hint)
        outcome.problems = list(error.problems)
    except Refusal as refusal:
        outcome = Outcome(state="failed", file=named, message=refusal.message, hint=refusal.hint)
    except ConfigError as error:
        outcome = Outcome(state="failed", file=named, message=_has_problems(error.problems))
        outcome.problems = list(error.problems)
    except GatewayError as error:
        outcome = Outcome(state="failed", file=named, message=str(error))
    return show(outcome, as_json=as_json)


def _has_problems(problems: Sequence[object]) -> str:
    return f"{plural(len(problems), 'problem')} in the file; nothing was changed"


def _change(desk: Desk, route: str, asked: Mapping[str, Weight], *, how: str) -> Change:
    if desk.text is None:
        raise StoppedError(f"there is no file {desk.file}", "name it with --config")
    if desk.running is not None and desk.running.problems:
        raise StoppedError(
            f"the gateway refuses the file as it is, and revision {desk.running.revision} serves",
            "mend it, or: figueira undo",
            desk.running.problems,
        )
    edit = set_weights(desk.text, route, asked)
    _check(desk, desk.text, edit)
    return Change(
        text=edit.text,
        served=desk.text,
        how=how,
        by_hand=tuple(map(str, edit.replacements)),
        unchanged=f"{route} has these weights already; nothing to change",
    )


def _check(desk: Desk, old: bytes, edit: Edit) -> None:
    """See that the edit brings no problem in.

    What is wrong here and not for the gateway (it has variables and files that this command has
    not) was wrong before the edit, and does not count where the gateway serves that very text.
    """
    before = {(one.path, one.message) for one in local_problems_of(old, desk.file)}
    if before and (desk.running is None or desk.running.digest != digest_of(old)):
        raise ConfigError(local_problems_of(old, desk.file))
    new = [
        one for one in local_problems_of(edit.text, desk.file)
        if (one.path, one.message) not in before
    ]  # fmt: skip
    if new:
        raise ConfigError(new)
