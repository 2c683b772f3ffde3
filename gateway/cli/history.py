"""`figueira history`: every routes.yaml that served, who changed it, how, and what it changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import datetime

import msgspec

from gateway.admin.operations import HistoryPage, RefusalLine, RevisionLine, RevisionText
from gateway.cli.admin import NOBODY, Admin, NobodyThereError, admin_url
from gateway.cli.ink import Ink, ink_for, printable
from gateway.cli.past import Past, StoredPast
from gateway.config.line_diff import changed_lines
from gateway.config.wording import plural
from gateway.errors import GatewayError
from gateway.settings import read_settings

_DIGEST_CHARACTERS = 12
"""Enough to tell any two apart by eye."""
_CHANGE_CHARACTERS = 60
"""Of a changed line, so that a terminal of usual width shows each revision on one line."""


def history(
    number: int | None, *, limit: int, admin: str | None, as_text: bool, as_json: bool
) -> int:
    """List revisions, or show one.

    Args:
        number: The one to show; None lists them.
        limit: Revisions to list.
        admin: The admin port's URL, ``none`` to read the database, or None for that of the
            settings.
        as_text: Whether to write the revision's text, and nothing else.
        as_json: Whether to print one JSON object.

    Returns:
        The exit code: 0, or 1 if there is no such revision or the history cannot be read.

    Raises:
        ValueError: `admin` is no URL.
    """
    try:
        past, note = _open(admin)
        if number is None:
            found: HistoryPage | RevisionText | None = past.history(None, limit)
        else:
            found = past.revision(number)
    except GatewayError as error:
        return _complain(str(error))
    if found is None:
        return _complain(f"there is no revision {number} (figueira history lists them)")
    if note:
        sys.stderr.write(f"figueira: note: {note}; this is from its database\n")
    if as_text and isinstance(found, RevisionText):
        sys.stdout.buffer.write(found.text.encode())
    elif as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    else:
        lines = _one(found) if isinstance(found, RevisionText) else _list(found)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _open(admin: str | None) -> tuple[Past, str]:
    """Where to look, and what is to be said of it."""
    settings = read_settings(os.environ, {})
    if admin != NOBODY:
        talk = Admin(admin or admin_url(settings))
        try:
            talk.history(None, 1)
        except NobodyThereError as error:
            return StoredPast(settings.database_url), str(error)
        return talk, ""
    return StoredPast(settings.database_url), ""


def _complain(why: str) -> int:
    sys.stderr.write(f"figueira: error: {printable(why)}\n")
    return 1


def _list(page: HistoryPage) -> Iterator[str]:
    if not page.revisions and not page.refusals:
        yield "no revision yet: a gateway keeps each routes.yaml that it accepts"
        return
    ink = ink_for(sys.stdout, os.environ)
    rows = [*map(_revision_row, page.revisions), *map(_refusal_row, page.refusals)]
    rows.sort(key=lambda row: row[0], reverse=True)
    zone = rows[0][0].astimezone().tzname() or "local"
    table = [("REVISION", f"WHEN ({zone})", "WHO", "SHA-256", "CHANGE")]
    table += [(row[1], _when(row[0]), *row[2:]) for row in rows]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for index, row in enumerate(table):
        columns = [text.ljust(width) for text, width in zip(row[:4], widths, strict=True)]
        line = "  ".join([*columns, row[4]]).rstrip()
        yield _painted(line, row[0], index, ink)


def _painted(line: str, first: str, index: int, ink: Ink) -> str:
    if index == 0:
        return ink("dim", line)
    if first.startswith("*"):
        return ink("bold", line)
    return ink("red", line) if first == "refused" else line


_Row = tuple[datetime, str, str, str, str]
"""When, which, who, digest, change."""


def _revision_row(line: RevisionLine) -> _Row:
    mark = "*" if line.serving else " "
    change = "  ".join(filter(None, [_size(line), line.how or _first_line(line)]))
    return (
        line.accepted_at,
        f"{mark} {line.number}",
        printable(line.author or "-"),
        line.digest[:_DIGEST_CHARACTERS],
        printable(change),
    )


def _refusal_row(line: RefusalLine) -> _Row:
    more = f" and {plural(line.problems - 1, 'more problem')}" if line.problems > 1 else ""
    return (
        line.refused_at,
        "refused",
        printable(line.author or "-"),
        line.digest[:_DIGEST_CHARACTERS],
        printable(f"{line.problem}{more}"),
    )


def _size(line: RevisionLine) -> str:
    if line.diff is None:
        return ""
    added, removed = changed_lines(line.diff.split("\n"))
    return f"+{added} -{removed}"


def _first_line(line: RevisionLine) -> str:
    """The first line that a plain edit has added, else the first that it has taken away."""
    lines = (line.diff or "").split("\n")
    changed = [one for mark in "+-" for one in lines if one.startswith(mark) and one[1:].strip()]
    shown = " ".join(changed[0][1:].split()) if changed else ""
    is_long = len(shown) > _CHANGE_CHARACTERS
    return f"{shown[: _CHANGE_CHARACTERS - 3]}..." if is_long else shown


def _one(found: RevisionText) -> Iterator[str]:
    line, ink = found.revision, ink_for(sys.stdout, os.environ)
    state = "serving" if line.serving else "accepted"
    yield ink("bold", f"revision {line.number} ({state})")
    yield f"  when     {_when(line.accepted_at)} {line.accepted_at.astimezone().tzname()}"
    yield f"  who      {printable(line.author or 'unknown: the file was edited')}"
    if line.how:
        yield f"  how      figueira {printable(line.how)}"
    yield f"  sha-256  {line.digest}"
    for problem in found.problems:
        yield ink("red", f"  not usable now: {printable(problem.describe('routes.yaml'))}")
    yield ""
    if line.diff is None:
        yield "(what it changed was not kept; --text shows all of it)"
        return
    yield from ink.diff(line.diff.split("\n"))


def _when(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
