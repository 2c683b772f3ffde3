"""`python -m bench trials`: what a trial costs a worker, within seconds."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bench.peers.figueira import PYTHON

_ROOT = Path(__file__).resolve().parent.parent


def run() -> int:
    """Print the table; the gateway's packages are not among the bench's own."""
    return subprocess.run(  # noqa: S603 - our own program, no shell
        [PYTHON, "-P", "-m", "bench.inside_trials"],
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        check=False,
    ).returncode
