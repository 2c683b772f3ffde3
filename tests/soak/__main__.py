"""Soak, write docs/soak.md, fail if anything is wrong: ``python -m tests.soak --minutes 10``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.soak.report import faults_of, growths_of, write_report
from tests.soak.run import soak

_REPORT = Path(__file__).parents[2] / "docs" / "soak.md"


def main() -> int:
    """Soak; 1 if anything grows or was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of load (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="of chance (default: 1)")
    parser.add_argument("--report", type=Path, default=_REPORT, help="default: docs/soak.md")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="figueira-soak-") as folder:
        _say(f"{chosen.minutes:g} minutes of load and faults; a line every half minute")
        soaked = soak(Path(folder), seconds=chosen.minutes * 60, seed=chosen.seed, say=_say)
    today = datetime.now(UTC).date()  # noqa: TID251 - the day on a report
    report = write_report(soaked, today)
    chosen.report.write_text(report)
    sys.stdout.write(report)
    return 1 if faults_of(soaked) + growths_of(soaked) else 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
