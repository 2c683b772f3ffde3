"""Fuzz for a while: ``python -m tests.fuzz --seconds 60``; 1 if anything was found."""

from __future__ import annotations

import argparse
import sys
import time
from random import SystemRandom

from tests.fuzz.running import Fuzzer, fuzzers

_STEPS = 50
"""Between two looks at the clock."""


def _fuzz(name: str, fuzzer: Fuzzer, seconds: float) -> int:
    """Run until the time is over; return how many inputs failed."""
    deadline_s = time.monotonic() + seconds
    failures: dict[str, bytes] = {}
    while time.monotonic() < deadline_s:
        for _ in range(_STEPS):
            if (failure := fuzzer.step()) is not None:
                failure = fuzzer.shrunk(failure)
                said = f"{type(failure.error).__name__}: {failure.error}"[:600]
                key = said[:60]
                if key not in failures:
                    failures[key] = failure.data
                    _say(f"{name}: {failure.data!r} (cut by {failure.seed})\n  {said}")
    _say(f"{name}: {fuzzer.runs} inputs, {len(fuzzer.kinds)} kinds, {len(failures)} failures")
    return len(failures)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Read the command line and fuzz."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="in all")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run; else by chance")
    parser.add_argument("--side", choices=["requests", "answers"], default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else SystemRandom().randrange(1 << 30)
    _say(f"seed {seed}")
    chosen = {k: v for k, v in fuzzers(seed).items() if arguments.side in (None, k)}
    seconds = arguments.seconds / len(chosen)
    return 1 if sum(_fuzz(name, fuzzer, seconds) for name, fuzzer in chosen.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
