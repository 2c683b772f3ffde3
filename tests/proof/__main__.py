"""Look for every seeded fault with every tool, write docs/proof.md, fail if ours misses one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.proof.proving import (
    HORIZON,
    LIMIT,
    REQUESTS,
    STREAMS,
    Power,
    Row,
    false_alarms,
    power,
    prove,
)
from tests.proof.tools import TOOLS

_REPORT = Path(__file__).parents[2] / "docs" / "proof.md"
_ALARMS = ((50, 40), (200, 20), (600, 10))
"""Requests of each kind, and runs."""
_RATES = (0.0, 0.0001, 0.0003, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.5)
_OURS = "Figueira"
_SHOWN = 2
_HEAD = f"""\
# The proof

Written by `python -m tests.proof`; run it again to see for yourself.

A shop in little is asked {REQUESTS} times for each kind of thing it has: by a control, by a second
control that runs the same code, and by a candidate that is the same code with one fault. The shop
is as restless as old code is: moments, ids of requests, a counter, the order of tags and the
pictures of a generator are new in each answer. Each tool is given the same answers. A fault is
*found* if the tool names a place that it does not name of a candidate without fault.

- **exact compare** is byte by byte.
- **Diffy's rule** is the published one, on every field of every answer, with a second control for
  each request: a field is reported where raw > noise, |raw - noise| / (raw + noise) > 20 % and
  |raw - noise| / total > 0.03 %. Durations and outgoing calls are not its business.
- **Figueira** has the rules that a team would declare (two moments, the id of a request, the order
  of tags, the token of a form), asks a second control for one request in four, and knows the
  outgoing calls that pinned collaborators record. That the counter is restless nobody told it.
"""


def main() -> int:
    """Prove; 1 if ours misses a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("--report", type=Path, default=_REPORT, help="default: docs/proof.md")
    chosen = parser.parse_args()
    rows = list(prove())
    alarms = [(requests, runs, false_alarms(requests, runs)) for requests, runs in _ALARMS]
    powers = [power(rate) for rate in _RATES]
    lines = [_HEAD, *_table(rows), *_alarms(alarms), *_powers(powers)]
    chosen.report.write_text("".join(f"{line}\n" for line in lines))
    missed = [row.fault.name for row in rows if not row.found[_OURS]]
    sys.stdout.write(f"written: {chosen.report}; missed by ours: {', '.join(missed) or 'none'}\n")
    return 1 if missed else 0


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield f"| fault of the candidate | {' | '.join(TOOLS)} | what ours names |"
    yield f"|---|{'---|' * len(TOOLS)}---|"
    for row in rows:
        cells = ["found" if row.found[name] else "**missed**" for name in TOOLS]
        named = sorted(row.found[_OURS])
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        told = ", ".join(f"`{each}`" for each in named[:_SHOWN])
        yield f"| {row.fault.name} | {' | '.join(cells)} | {told}{more} |"
    counts = [sum(bool(row.found[name]) for row in rows) for name in TOOLS]
    cells = [f"**{count} of {len(rows)}**" for count in counts]
    yield f"| **found** | {' | '.join(cells)} | |"
    yield ""


def _alarms(alarms: Sequence[tuple[int, int, Mapping[str, int]]]) -> Iterator[str]:
    yield "## False alarms"
    yield ""
    yield "Runs in which a candidate that is the old code itself is blamed for anything:"
    yield ""
    yield f"| requests of each kind | {' | '.join(TOOLS)} |"
    yield f"|---|{'---|' * len(TOOLS)}"
    for requests, runs, found in alarms:
        cells = [f"{found[name]} of {runs}" for name in TOOLS]
        yield f"| {requests} | {' | '.join(cells)} |"
    yield ""


def _powers(powers: Sequence[Power]) -> Iterator[str]:
    yield "## How soon the verdict comes"
    yield ""
    yield f"{STREAMS} streams for each true rate of mismatches, judged after every request against"
    yield f"a limit of {LIMIT:.1%} at 95 %, for {HORIZON:,} requests at most. *Wrong* are streams"
    yield "that were called the opposite first; at the limit itself, ready is the wrong word."
    yield ""
    yield "| true rate | verdict | requests, median | came to it | wrong |"
    yield "|---|---|---|---|---|"
    for each in powers:
        right = "not ready" if each.rate >= LIMIT else "ready"
        median = f"{each.median:,}" if each.median is not None else f"more than {HORIZON:,}"
        yield f"| {each.rate:.2%} | {right} | {median} | {each.proved:.0%} | {each.wrong:.1%} |"


if __name__ == "__main__":
    sys.exit(main())
