"""Flip through every way, write docs/flips.md, fail if anything is wrong."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from tests.flips.customers import CUSTOMERS
from tests.flips.flipping import Flipped, flip
from tests.flips.ways import WAYS

_REPORT = Path(__file__).parents[2] / "docs" / "flips.md"
_SHOWN = 5
"""Faults of one way: the first of them."""


def main() -> int:
    """Flip; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.flips", description=__doc__)
    parser.add_argument("--flips", type=int, default=200, help="of each way (default: 200)")
    parser.add_argument("--rate", type=float, default=1000.0, help="a second (default: 1000)")
    parser.add_argument("--report", type=Path, default=_REPORT, help="default: docs/flips.md")
    chosen = parser.parse_args()
    found = []
    for way in WAYS:
        with tempfile.TemporaryDirectory(prefix="figueira-flips-") as folder:
            flipped = flip(Path(folder), way, flips=chosen.flips, rate=chosen.rate)
        sys.stdout.write(f"{_row(flipped)}\n")
        sys.stdout.flush()
        found.append(flipped)
    today = datetime.now(UTC).date()  # noqa: TID251 - the day on a report
    chosen.report.write_text("".join(f"{line}\n" for line in _report(found, chosen.rate, today)))
    return 1 if any(flipped.wrong for flipped in found) else 0


def _report(found: Sequence[Flipped], rate: float, day: date) -> Iterator[str]:
    flips, bad = found[0].flips, found[0].bad_files
    verdict = "failed" if any(flipped.wrong for flipped in found) else "passed"
    yield "# Flips under load"
    yield ""
    yield f"Written by `python -m tests.flips --flips {flips} --rate {rate:g}`; run it again to see"
    yield "for yourself."
    yield ""
    yield (
        f"{day}, {os.cpu_count()} cores shared by all, Python {platform.python_version()}: "
        f"`figueira serve` with two workers before two backends, {CUSTOMERS} customers who ask "
        f"{rate:g} times a second whether or not answers have come. The weight of one split is "
        f"changed {flips} times in a row by each way of changing it; {bad} times in between the "
        "file is replaced by a bad one, and mended when it has been refused."
    )
    yield ""
    yield f"**Verdict: {verdict}.**"
    yield ""
    yield "| way | flips | bad files | requests | a second | median | 99 % | slowest | wrong |"
    yield "|---|---|---|---|---|---|---|---|---|"
    yield from map(_row, found)
    yield ""
    yield "Wrong is: an answer that is missing, cut, refused or another's; a request that went to"
    yield "another side than its customer's bucket says under the revision that decided it; a"
    yield "request that was sent after a flip was confirmed and decided by an older revision; a"
    yield "request without its one access line; a worker that was replaced; two flips in one"
    yield "revision. Each request is looked at. Times are milliseconds from the request's turn to"
    yield "the end of its answer, on a machine that also ran customers, backends and, for the last"
    yield "three ways, a new process for each command."
    for flipped in found:
        if flipped.wrong:
            yield ""
            yield f"{flipped.way}, {len(flipped.wrong)} wrong:"
            yield ""
            yield from (f"- {wrong}" for wrong in flipped.wrong[:_SHOWN])


def _row(one: Flipped) -> str:
    return (
        f"| {one.way} | {one.flips} | {one.bad_files} | {one.requests:,} | {one.rate:,.0f} "
        f"| {one.median_ms:.1f} | {one.p99_ms:.1f} | {one.slowest_ms:.1f} | {len(one.wrong)} |"
    )


if __name__ == "__main__":
    sys.exit(main())
