"""``figueira check``: is this routes.yaml good, and if not, where and why.

Nothing is changed and no gateway is asked. Problems and warnings go to stderr, for people; the
verdict and the JSON form go to stdout.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from gateway.cli.ink import ink_for
from gateway.config import Reviewed, expired
from gateway.config.wording import plural
from gateway.control.loading import review_config
from gateway.errors import ConfigError, Problem

GOOD = 0
PROBLEMS = 1


def check(file: Path, *, as_json: bool, today: date | None = None) -> int:
    """Check one file and say what was found.

    Args:
        file: The file to check.
        as_json: Print one JSON object to stdout instead of lines for people.
        today: Rules that expired before it are problems; None: the day that it is (UTC).

    Returns:
        The exit code: 0 good, 1 there are problems or the file cannot be read.
    """
    try:
        reviewed = review_config(file, os.environ)
    except ConfigError as error:
        _tell_problems(file, error.problems, as_json=as_json)
        return PROBLEMS
    if over := expired(reviewed.deadlines, today or _today()):
        _tell_problems(file, over, as_json=as_json)
        return PROBLEMS
    _tell_good(file, reviewed, as_json=as_json)
    return GOOD


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251 - this is where the clock is injected


def _tell_good(file: Path, reviewed: Reviewed, *, as_json: bool) -> None:
    if as_json:
        _write_json(file, (), reviewed.warnings)
        return
    _write_lines(file, reviewed.warnings)
    found = [
        plural(len(reviewed.snapshot.routes), "route"),
        plural(len(reviewed.snapshot.backends), "backend"),
    ]
    if reviewed.warnings:
        found.append(plural(len(reviewed.warnings), "warning"))
    ink = ink_for(sys.stdout, os.environ)
    verdict = ink("yellow" if reviewed.warnings else "green", "ok")
    sys.stdout.write(f"{_printable(file)}: {verdict}: {', '.join(found)}\n")


def _tell_problems(file: Path, problems: Sequence[Problem], *, as_json: bool) -> None:
    if as_json:
        _write_json(file, problems, ())
        return
    _write_lines(file, problems)
    sys.stderr.write(f"{plural(len(problems), 'problem')} in {_printable(file)}\n")


def _write_lines(file: Path, problems: Sequence[Problem]) -> None:
    """A line for each; on a terminal, its place and its kind stand out."""
    ink = ink_for(sys.stderr, os.environ)
    for problem in problems:
        place, kind, said = problem.describe(_printable(file)).partition(f" {problem.severity}: ")
        colour = "red" if problem.severity == "error" else "yellow"
        sys.stderr.write(f"{ink('bold', place)}{ink(colour, kind)}{said}\n")


def _write_json(file: Path, problems: Sequence[Problem], warnings: Sequence[Problem]) -> None:
    verdict = {
        "file": _printable(file),
        "ok": not problems,
        "problems": list(map(_fields, problems)),
        "warnings": list(map(_fields, warnings)),
    }
    sys.stdout.write(json.dumps(verdict) + "\n")


def _fields(problem: Problem) -> dict[str, object]:
    names = ("line", "column", "path", "message", "hint")
    return {name: getattr(problem, name) for name in names}


def _printable(file: Path) -> str:
    """The file's name, also where it holds bytes that are no text."""
    return os.fsencode(file).decode(errors="backslashreplace")
