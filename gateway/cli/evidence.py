"""`figueira evidence`: which evidence there is, its examples, and beginning anew."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import msgspec

from gateway.cli.admin import os_user
from gateway.cli.ink import ink_for, printable
from gateway.cli.report_words import local
from gateway.cli.run_store import examples, names, report, reset
from gateway.errors import GatewayError
from gateway.parallel_run.report import EpochReport, RunReport

_LONGEST_REASON = 1_000


class EpochLine(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch, in a list."""

    run: str
    present: bool
    epoch: EpochReport


def list_evidence(run: str | None, *, as_json: bool) -> int:
    """List epochs, of one run or of all; the exit code: 0, or 1 if they cannot be read."""
    try:
        reports = [report(each, epoch=None, top=0) for each in ([run] if run else names())]
    except GatewayError as error:
        return _complain(error)
    lines = [line for each in reports for line in _lines(each)]
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(lines)).decode() + "\n")
        return 0
    if not lines:
        sys.stdout.write("no parallel run has compared anything yet\n")
        return 0
    _write_table(lines)
    return 0


def export_evidence(run: str, *, epoch: int | None) -> int:
    """Write an epoch's examples as lines of JSON; the exit code: 0, or 1 if there are none."""
    try:
        documents = examples(run, epoch=epoch)
    except GatewayError as error:
        return _complain(error)
    for each in documents:
        sys.stdout.write(f"{each}\n")
    return 0


def reset_evidence(run: str, because: str) -> int:
    """Begin a run's evidence anew; the exit code: 0, or 1 if that did not work.

    Raises:
        ValueError: No reason is given, or a very long one.
    """
    reason = " ".join(because.split())
    if not reason:
        raise ValueError("--because is empty: say what has changed, for those who ask later")
    if len(reason) > _LONGEST_REASON:
        raise ValueError(f"--because has more than {_LONGEST_REASON} characters")
    try:
        count = reset(run, reason, os_user())
    except GatewayError as error:
        return _complain(error)
    sys.stdout.write(
        f"{run}: evidence begins anew with the next trial (reset {count}); what was known before"
        f" is kept, see figueira evidence list {run}\n"
    )
    return 0


def _complain(error: GatewayError) -> int:
    sys.stderr.write(f"figueira: error: {printable(str(error))}\n")
    return 1


def _lines(of: RunReport) -> Iterator[EpochLine]:
    yield EpochLine(run=of.run, present=True, epoch=of.epoch)
    for each in of.before:
        yield EpochLine(run=of.run, present=False, epoch=each)


def _write_table(lines: list[EpochLine]) -> None:
    ink = ink_for(sys.stdout, os.environ)
    head = ("", "RUN", "EPOCH", "BUILD", "RULES", "BEGUN", "NEWEST")
    rows = [head, *map(_row, lines)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    for index, row in enumerate(rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        line = "  ".join(cells).rstrip()
        style = "dim" if not index else "bold" if row[0] else ""
        sys.stdout.write((ink(style, line) if style else line) + "\n")


def _row(line: EpochLine) -> tuple[str, ...]:
    epoch = line.epoch
    return (
        "*" if line.present else "",
        printable(line.run),
        str(epoch.number or "-"),
        printable(epoch.build),
        epoch.rules or "-",
        local(epoch.began_at) if epoch.number else "-",
        local(epoch.newest_at) if epoch.number else "nothing yet",
    )
