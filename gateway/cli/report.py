"""`figueira report`: the verdict of a parallel run, and what it rests on."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import msgspec

from gateway.cli.ink import ink_for, printable
from gateway.cli.report_html import report_html
from gateway.cli.report_text import report_text
from gateway.cli.run_store import names, report
from gateway.errors import GatewayError
from gateway.parallel_run.report import RunReport
from gateway.parallel_run.verdict import State

READY, NOT_READY, CANNOT_TELL, INSUFFICIENT = 0, 1, 2, 3
_CODES = {
    State.READY.value: READY,
    State.NOT_READY.value: NOT_READY,
    State.INSUFFICIENT.value: INSUFFICIENT,
}


def run_report(
    run: str | None, *, epoch: int | None, top: int, as_json: bool, html: Path | None
) -> int:
    """Tell of a run.

    Args:
        run: Its name; None for the only one there is.
        epoch: Which epoch; None for the present one.
        top: How many differences.
        as_json: Whether to print one JSON object.
        html: Where to write a page; None for none.

    Returns:
        The exit code: 0 ready, 1 not ready, 2 it cannot be told, 3 insufficient.
    """
    try:
        found = report(run or _only(), epoch=epoch, top=top)
        if html is not None:
            _write_page(found, html)
    except GatewayError as error:
        sys.stderr.write(f"figueira: error: {printable(str(error))}\n")
        return CANNOT_TELL
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    elif html is None:
        columns = shutil.get_terminal_size((100, 24)).columns
        lines = report_text(found, ink_for(sys.stdout, os.environ), columns)
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in lines))
    return _CODES[found.state]


class _WhichError(GatewayError):
    """No run was named, and there is not exactly one."""


class _PageError(GatewayError):
    """The page cannot be written."""


def _only() -> str:
    known = names()
    if len(known) == 1:
        return known[0]
    if not known:
        raise _WhichError("no parallel run has compared anything yet")
    raise _WhichError(f"which one: {', '.join(known)}?")


def _write_page(found: RunReport, html: Path) -> None:
    try:
        html.write_text(report_html(found), encoding="utf-8")
    except OSError as error:
        raise _PageError(f"{html}: {error.strerror or error}") from error
    sys.stderr.write(f"figueira: {found.run} is {found.state}; the page is {html}\n")
