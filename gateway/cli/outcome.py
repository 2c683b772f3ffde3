"""What came of a verb that changes routes.yaml: as data, in words, and as an exit code.

The field names are the keys of ``--json``.
"""

from __future__ import annotations

import os
import sys
from typing import Literal

import msgspec

from gateway.cli.effect import RouteEffect, in_words
from gateway.cli.ink import Ink, ink_for, printable
from gateway.errors import Problem

State = Literal[
    "serving",
    "unchanged",
    "dry_run",
    "written",
    "failed",
    "refused",
    "not_running",
    "behind",
    "overtaken",
]
EXIT_CODES: dict[State, int] = {
    "serving": 0,
    "unchanged": 0,
    "dry_run": 0,
    "written": 0,
    "failed": 1,
    "refused": 1,
    "not_running": 3,
    "behind": 3,
    "overtaken": 3,
}
"""0: as it was asked for. 1: nothing was changed. 3: the file is changed, but its effect is not
certain."""


class Outcome(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What came of it; what does not apply is left out."""

    state: State
    """``serving``: every worker routes by it. ``unchanged``: the file said so already.
    ``dry_run``: it would be so. ``written``: the file alone, as asked for. ``failed``: nothing was
    changed. ``refused``: the gateway would not have it, and the file is as it was. ``not_running``:
    the file is changed, and no gateway is there. ``behind``: accepted, but a worker hangs.
    ``overtaken``: somebody has changed the file again."""
    file: str
    message: str = ""
    """What there is to say, in a sentence."""
    hint: str = ""
    """What to do now."""
    diff: list[str] = []
    effects: list[RouteEffect] = []
    served_already: bool = False
    """Whether customers are served by this text as it is, and the file alone differs."""
    revision: int | None = None
    """What serves now."""
    behind: list[int] = []
    """Workers that have not taken it."""
    in_effect_after_s: float | None = None
    """From the file's writing until every worker routed by it."""
    by_hand: list[str] = []
    """Where the file cannot be written: what to change in it."""
    problems: list[Problem] = []
    notes: list[str] = []

    @property
    def exit_code(self) -> int:
        """For the shell."""
        return EXIT_CODES[self.state]


def show(outcome: Outcome, *, as_json: bool) -> int:
    """Print it: data to standard output, talk to standard error; return the exit code."""
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(outcome)).decode() + "\n")
        return outcome.exit_code
    ink = ink_for(sys.stdout, os.environ)
    _print_change(outcome, ink)
    if outcome.exit_code == 0:
        sys.stdout.write(f"{ink('bold', printable(outcome.message))}\n")
    else:
        _print_trouble(outcome)
    for note in outcome.notes:
        sys.stderr.write(f"figueira: note: {note}\n")
    return outcome.exit_code


def _print_change(outcome: Outcome, ink: Ink) -> None:
    if not outcome.diff:
        return
    name = printable(outcome.file)
    lines = [ink("bold", f"--- {name}"), ink("bold", f"+++ {name}"), *ink.diff(outcome.diff), ""]
    for effect in outcome.effects:
        lines += [printable(line) for line in in_words(effect)]
    if outcome.served_already:
        lines.append("this is what serves: nobody moves")
    elif not outcome.effects:
        lines.append("no route changes")
    sys.stdout.write("".join(f"{line}\n" for line in [*lines, ""]))
    sys.stdout.flush()


def _print_trouble(outcome: Outcome) -> None:
    lines = [problem.describe(outcome.file) for problem in outcome.problems]
    hint = f" ({outcome.hint})" if outcome.hint else ""
    lines.append(f"figueira: error: {outcome.message}{hint}")
    lines += [f"  {line}" for line in outcome.by_hand]
    sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
