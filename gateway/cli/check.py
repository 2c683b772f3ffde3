"""``figueira check``: is this routes.yaml good, and if not, where and why.

Nothing is changed and no gateway is asked. Problems go to stderr, for people; the verdict and the
JSON form go to stdout.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from gateway.config.wording import plural
from gateway.control.loading import load_config
from gateway.errors import ConfigError, Problem
from gateway.routing.snapshot import Snapshot

GOOD = 0
PROBLEMS = 1


def check(file: Path, *, as_json: bool) -> int:
    """Check one file and say what was found.

    Args:
        file: The file to check.
        as_json: Print one JSON object to stdout instead of lines for people.

    Returns:
        The exit code: 0 good, 1 there are problems or the file cannot be read.
    """
    try:
        snapshot = load_config(file, os.environ)
    except ConfigError as error:
        _tell_problems(file, error.problems, as_json=as_json)
        return PROBLEMS
    _tell_good(file, snapshot, as_json=as_json)
    return GOOD


def _tell_good(file: Path, snapshot: Snapshot, *, as_json: bool) -> None:
    if as_json:
        _write_json(file, ())
        return
    routes = plural(len(snapshot.routes), "route")
    backends = plural(len(snapshot.backends), "backend")
    sys.stdout.write(f"{_printable(file)}: ok: {routes}, {backends}\n")


def _tell_problems(file: Path, problems: tuple[Problem, ...], *, as_json: bool) -> None:
    if as_json:
        _write_json(file, problems)
        return
    shown = _printable(file)
    for problem in problems:
        sys.stderr.write(problem.describe(shown) + "\n")
    sys.stderr.write(f"{plural(len(problems), 'problem')} in {shown}\n")


def _write_json(file: Path, problems: tuple[Problem, ...]) -> None:
    fields = ("line", "column", "path", "message", "hint")
    verdict = {
        "file": _printable(file),
        "ok": not problems,
        "problems": [{field: getattr(problem, field) for field in fields} for problem in problems],
    }
    sys.stdout.write(json.dumps(verdict) + "\n")


def _printable(file: Path) -> str:
    """The file's name, also where it holds bytes that are no text."""
    return os.fsencode(file).decode(errors="backslashreplace")
