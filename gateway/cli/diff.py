"""`figueira diff`: what a changed routes.yaml would do to recorded traffic."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from gateway.cli.impact_text import markdown, text
from gateway.cli.ink import ink_for, printable
from gateway.cli.traffic import Traffic
from gateway.control.loading import load_config
from gateway.control.token_key import find_token_key
from gateway.errors import ConfigError, GatewayError
from gateway.routing.snapshot import Snapshot
from gateway.settings import Settings, read_settings
from gateway.whatif.impact import Impact
from gateway.whatif.tally import Tally
from gateway.whatif.tokens import Tokens

Form = Literal["text", "json", "markdown"]
NOTHING_MOVES, SOMETHING_MOVES, CANNOT_TELL = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is to be compared."""

    old: Path | None
    """None: what serves."""
    new: Path
    traffic: tuple[Path, ...]
    admin_url: str | None
    form: Form


def diff(comparison: Comparison) -> int:
    """Compare two files over recorded traffic.

    Returns:
        The exit code, as diff(1) has it: 0 if no request moves, 1 if some do or may, 2 if it cannot
        be told.
    """
    try:
        settings = read_settings(os.environ, {})
        new = _load(comparison.new)
        old, name = _old(comparison, settings)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(problem.describe(error.file) + "\n")
        return CANNOT_TELL
    except GatewayError as error:
        return _complain(str(error))
    key = find_token_key(settings.token_key, settings.database_url)
    tally = Tally(old, new, Tokens(key) if key else None)
    try:
        for path in comparison.traffic:
            _read(Traffic(path), tally)
    except OSError as error:
        return _complain(f"{error.filename}: {error.strerror or error}")
    impact = tally.impact()
    _write(comparison, name, impact)
    if not impact.requests:
        return CANNOT_TELL
    return NOTHING_MOVES if not impact.moved and impact.is_certain else SOMETHING_MOVES


def _old(comparison: Comparison, settings: Settings) -> tuple[Snapshot, str]:
    """What is compared with, and its name."""
    if comparison.old is not None:
        return _load(comparison.old), str(comparison.old)
    from gateway.cli.serving import serving  # noqa: PLC0415 - heavy: a client, and the database

    return serving(comparison.admin_url, settings)


def _load(file: Path) -> Snapshot:
    try:
        return load_config(file, os.environ)
    except ConfigError as error:
        raise ConfigError(error.problems, str(file)) from None


def _read(traffic: Traffic, tally: Tally) -> None:
    tally.begin(traffic.name)
    for lines in traffic.batches():
        tally.add(lines)
    if traffic.cut_short:
        sys.stderr.write(f"figueira: warning: {traffic.name} ends early: {traffic.cut_short}\n")


def _write(comparison: Comparison, old: str, impact: Impact) -> None:
    title = f"{old} -> {comparison.new}"
    if comparison.form == "json":
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(impact)).decode() + "\n")
    elif comparison.form == "markdown":
        _write_lines(markdown(impact, title))
    else:
        ink = ink_for(sys.stdout, os.environ)
        _write_lines([title, _span(comparison.traffic, impact), "", *text(impact, ink)])


def _span(traffic: Sequence[Path], impact: Impact) -> str:
    names = ", ".join(Traffic(path).name for path in traffic)
    if not impact.since:
        return f"traffic: {names}"
    return printable(f"traffic: {names}, from {impact.since} to {impact.until}")


def _write_lines(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in lines))


def _complain(why: str) -> int:
    sys.stderr.write(f"figueira: error: {why}\n")
    return CANNOT_TELL
