"""docs/parallel-run-cost.md: tables, targets, and what they do not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.machine import Machine
from bench.rounds import percentile
from bench.table import median_cell, table
from bench.targets import digits, verdict
from bench.trial_lag import Lag

NAME = "parallel-run-cost.md"
TRIAL_US = 10.0
LAG_MS = 10.0
DIFFER_US = 300.0
EQUAL_US = 20.0
PICTURES_MS = 60.0
LEDGER_A_S = 2_000.0
_TITLE = """\
# What a parallel run costs

What trials take from the workers that serve customers, and what control does with them, measured by
`python -m bench trials`, which writes this page, words included; a target that is not met says so.
"""
_WORKER = """\
## A worker's CPU

GET of 1 KiB, each request tried: remembered while it passes, and handed over to control. The
worker's code alone, without a kernel before or behind it; in brackets the fastest turn and the
slowest. The cost of a trial is the difference of the medians.
"""
_LAG = """\
## A worker's event loop

One worker serves 400 requests a second, each of them tried on a candidate that behaves as the first
column says (`bench/bad_candidate.py` has them all). A timer of a millisecond runs in the worker's
loop. *At work* is the longest that the loop's thread worked between two such timers: how long a
customer may have waited for what the worker did for others, trials included. *Late* is how late the
timer was. All processes (the worker, control, its comparing process, both backends, the customers)
share the machine's cores here, so that a timer is late as well where the worker had nothing to do
and another process had the core; the first line, without any trial, is what to compare with.
"""
_COMPARING = """\
## Comparing, and writing it down

Documents differ in every tenth of 97 records; their numbers are CPU. The pictures are noise of
{side} bytes each and differ in every pixel: both are decoded and compared by the process beside
control, the way there and back included. The ledger writes trials, of which every fifth differs, to
SQLite on this machine's disk.
"""
_LIMITS = """\
## What these numbers do not say

- **One machine, loopback.** Control and its comparing process are on cores of their own elsewhere;
  here they compete with the worker.
- **Bodies are small here.** Up to 64 KiB of an answer are copied while it passes.
- **Nothing is asserted.** That customers get the same bytes whatever the candidate does is asserted
  by `tests/e2e/test_bad_candidates.py`; how fast is said here, and numbers of one run are good to
  about 20 %.
"""


@dataclass(slots=True, kw_only=True)
class Figures:
    """What was measured."""

    worker: Mapping[str, list[float]]
    """What `bench.inside_trials` prints."""
    comparing: Mapping[str, list[float]]
    """What `bench.inside_comparing` prints."""
    lags: Sequence[Lag] = field(default_factory=list)


def page(figures: Figures, machine: Machine) -> str:
    """The whole page."""
    head = (
        f"{machine.cpu}, {machine.cores} cores, {machine.kernel}, Python {machine.python}; "
        f"{machine.date}, load {machine.load:.1f} before.\n"
    )
    side = digits(figures.comparing["picture_bytes"][0])
    parts = [
        *(_TITLE, head),
        *(_WORKER, _worker(figures.worker), ""),
        *(_LAG, _lags(figures.lags), ""),
        *(_COMPARING.replace("{side}", side), _comparing(figures.comparing), ""),
        _LIMITS,
    ]
    return "\n".join(parts)


def _worker(found: Mapping[str, list[float]]) -> str:
    without, tried = found["without_us"], found["with_us"]
    cost = percentile(tried, 0.5) - percentile(without, 0.5)
    rows = [
        ["without a parallel run", median_cell([*without])],
        ["every request tried", median_cell([*tried])],
        ["a trial (target)", verdict(cost, TRIAL_US)],
    ]
    return table(["", "CPU, microseconds"], rows)


def _lags(lags: Sequence[Lag]) -> str:
    rows = [
        [
            each.way,
            verdict(max(each.used_s) * 1e3, LAG_MS),
            digits(percentile(each.late_s, 0.99) * 1e3),
            digits(percentile(each.late_s, 0.999) * 1e3),
            digits(percentile(each.answers_s, 0.5) * 1e3),
            digits(percentile(each.answers_s, 0.99) * 1e3),
        ]
        for each in lags
    ]
    heads = ["ms", "at work (target)", "late, p99", "p99.9", "answers, p50", "p99"]
    return table(heads, rows)


def _comparing(found: Mapping[str, list[float]]) -> str:
    size = digits(found["document_bytes"][0])
    differ, equal, pictures, rate, taking = (
        percentile(found[name], 0.5)
        for name in ("differ_us", "equal_us", "pictures_ms", "ledger_a_s", "taking_us")
    )
    met = "met" if rate >= LEDGER_A_S else "**not met**"
    rows = [
        [
            f"two JSON documents of {size} bytes that differ, microseconds",
            verdict(differ, DIFFER_US),
        ],
        ["two that are equal, microseconds", verdict(equal, EQUAL_US)],
        ["two pictures (PNG) of 1 MiB, off the loop, ms", verdict(pictures, PICTURES_MS)],
        ["trials written in a second", f"{digits(rate)} (≥ {digits(LEDGER_A_S)}, {met})"],
        ["taking one for the ledger, microseconds of control's loop", digits(taking)],
    ]
    return table(["", "median (target)"], rows)
