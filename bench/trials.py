"""`python -m bench trials`: what parallel runs cost, and whom.

Writes docs/parallel-run-cost.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bench import trial_page
from bench.machine import this_machine
from bench.peers.figueira import PYTHON
from bench.trial_lag import WAYS, WITHOUT, measure

_ROOT = Path(__file__).resolve().parent.parent
_SECONDS, _QUICK_SECONDS = 3.0, 1.0


def run(docs: Path, *, quick: bool) -> int:
    """Measure, print the page, and write it unless in a hurry."""
    machine = this_machine()
    figures = trial_page.Figures(
        worker=_inside("bench.inside_trials"), comparing=_inside("bench.inside_comparing")
    )
    seconds = _QUICK_SECONDS if quick else _SECONDS
    figures.lags = [measure(way, seconds) for way in (WITHOUT, *WAYS)]
    text = trial_page.page(figures, machine)
    sys.stdout.write(text)
    if not quick:
        (docs / trial_page.NAME).write_text(text)
        sys.stdout.write(f"\nwritten: {docs / trial_page.NAME}\n")
    return 0


def _inside(module: str) -> dict[str, list[float]]:
    """What a module prints; the gateway's packages are not among the bench's own."""
    done = subprocess.run(  # noqa: S603 - our own program, no shell
        [PYTHON, "-P", "-m", module],
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        check=True,
        stdout=subprocess.PIPE,
    )
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found
