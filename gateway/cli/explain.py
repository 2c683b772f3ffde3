"""`figueira explain`: a decision with its reasons, for people or as JSON."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from gateway.cli.answer import Answer, Considered, answer, refused
from gateway.cli.question import Question, understand
from gateway.control.loading import load_config
from gateway.errors import ConfigError
from gateway.wire.inbound import BadRequest

_MANY = 20
"""Matches; of more, people are shown only those that the request's host and path lead to."""


def explain(config: Path, question: Question, *, as_json: bool) -> int:
    """Explain a decision.

    Returns:
        The exit code: 0 if the request would be forwarded, 1 if it would be refused or the file
        cannot be used, 2 if the question cannot be understood.
    """
    try:
        said = answer(understand(question, load_config(config, os.environ)), question.draw)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(problem.describe(str(config)) + "\n")
        return 1
    except ValueError as error:
        sys.stderr.write(f"figueira: error: {error}\n")
        return 2
    except BadRequest as refusal:
        said = refused(refusal)
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(said)).decode() + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(question, said)))
    return 0 if said.status is None else 1


def _lines(question: Question, said: Answer) -> list[str]:
    asked = f"{question.method} {question.target}"
    if said.status is not None:
        return [
            f"{asked} is answered by the gateway itself",
            f"  because  {said.status} {said.title}: {said.detail}",
        ]
    return [
        f"{asked} goes to {said.backend or _chances(said)}",
        f"  route    {said.route}",
        f"  because  {said.why}",
        *(f"  note     {note}" for note in said.ignored),
        "",
        "routes, in order of precedence:",
        *_table(said.considered),
    ]


def _chances(said: Answer) -> str:
    return " or ".join(f"{name} ({percent:g} %)" for name, percent in said.chances.items())


def _table(considered: list[Considered]) -> list[str]:
    shown = considered if len(considered) <= _MANY else [c for c in considered if _is_near(c)]
    name_width = max(len(item.route) for item in shown)
    match_width = max(len(item.match) for item in shown)
    lines = [
        f"  {item.route:<{name_width}}  {item.match:<{match_width}}  {_fate(item)}"
        for item in shown
    ]
    if others := len(considered) - len(shown):
        lines.append(f"  and {others:,} for other paths (--json lists all)")
    return lines


def _is_near(item: Considered) -> bool:
    return item.unmet is None or item.unmet.condition not in {"host", "path"}


def _fate(item: Considered) -> str:
    if item.taken:
        return "taken"
    if item.unmet is None:
        return "would match, but comes later"
    got = "absent" if item.unmet.got is None else repr(item.unmet.got)
    return f"no: {item.unmet.condition} is {got}"
