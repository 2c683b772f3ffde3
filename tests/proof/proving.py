"""Asks three sides the same and gives each tool what they answered."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from gateway.parallel_run.statistics.rate import is_above, needed
from tests.proof.faults import FAULTS, Fault
from tests.proof.shop import KINDS
from tests.proof.tools import CONFIDENCE, TOOLS, Triad

REQUESTS = 600
"""Of each kind; some 150 of them with a second control for ours."""
_DISTINCT = 500


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one fault, by tool."""

    fault: Fault
    found: Mapping[str, frozenset[str]]
    """What each tool named that it does not name of an identical candidate."""


def triads(
    kind: str, fault: Fault | None, requests: int = REQUESTS, seed: int = 0
) -> Iterator[Triad]:
    """What the sides answered; the candidate is the old code, with a fault if there is one."""
    chance = random.Random(f"{kind} {fault.name if fault else ''} {seed}")
    ask = KINDS[kind]
    for turn in range(requests):
        number = turn % _DISTINCT + 1
        control, second, candidate, again = (ask(number, chance) for _ in range(4))
        if fault is not None:
            candidate = fault.spoil(candidate, number, chance)
            again = fault.spoil(again, number, chance)
        yield Triad(kind, control, second, candidate, again)


def prove(requests: int = REQUESTS) -> Iterator[Row]:
    """Look for each fault with each tool."""
    quiet = {
        (name, kind): tool.look(triads(kind, None, requests))
        for name, tool in TOOLS.items()
        for kind in KINDS
    }
    for fault in FAULTS:
        seen = list(triads(fault.kind, fault, requests))
        yield Row(
            fault,
            {name: tool.look(seen) - quiet[name, fault.kind] for name, tool in TOOLS.items()},
        )


def false_alarms(requests: int, runs: int) -> dict[str, int]:
    """Runs in which a tool blames a candidate that is the old code itself, by tool."""
    found = dict.fromkeys(TOOLS, 0)
    for seed in range(1, runs + 1):
        seen = [list(triads(kind, None, requests, seed)) for kind in KINDS]
        for name, tool in TOOLS.items():
            found[name] += any(tool.look(each) for each in seen)
    return found


@dataclass(frozen=True, slots=True)
class Power:
    """How soon a true rate of mismatches is proved to be above, or below, a limit."""

    rate: float
    median: int | None
    """Requests, in half of the streams; None: not within `HORIZON`."""
    proved: float
    """Share of the streams that had come to this within `HORIZON`."""
    wrong: float
    """Share of the streams that had come to the opposite first."""


LIMIT, HORIZON, STREAMS = 0.001, 30_000, 400


def power(rate: float) -> Power:
    """Watch streams of requests, looking after every one."""
    chance = random.Random(f"power {rate}")
    is_bad = rate >= LIMIT
    found: list[int] = []
    wrong = 0
    for _ in range(STREAMS):
        at, said_bad = _first_proof(chance, rate)
        if at is not None and said_bad == is_bad:
            found.append(at)
        wrong += at is not None and said_bad != is_bad
    found.sort()
    half = STREAMS // 2
    median = found[half] if len(found) > half else None
    return Power(rate, median, len(found) / STREAMS, wrong / STREAMS)


def _first_proof(chance: random.Random, rate: float) -> tuple[int | None, bool]:
    """At which request a stream is first called anything, and whether that is not ready."""
    n = k = 0
    while n < HORIZON:
        gap = 1 + math.floor(math.log(1 - chance.random()) / math.log1p(-rate)) if rate else HORIZON
        enough = max(_needed(k), n)
        if enough < min(n + gap, HORIZON):
            return enough, False
        n, k = n + gap, k + 1
        # Only a mismatch adds to the evidence against.
        if n <= HORIZON and is_above(n, k, LIMIT, CONFIDENCE):
            return n, True
    return None, False


@cache
def _needed(mismatches: int) -> int:
    return needed(mismatches, LIMIT, CONFIDENCE) or HORIZON
