"""docs/images-performance.md: tables, targets, and what they do not say."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.machine import Machine
from bench.rounds import percentile
from bench.table import median_cell, table
from bench.targets import digits, verdict

NAME = "images-performance.md"
PER_CORE = 800.0
"""Orders taken for each second of CPU."""
TOGETHER_S = 4.0
"""For a hundred orders of two seconds each, at once."""
FLAT = 3.0
"""Latency of a look at an image beside them, 99th percentile, against that without them."""
_TITLE = """\
# What orders cost

How many orders the image service takes, and how long others wait meanwhile, measured by
`python -m bench images`, which writes this page, words included; a target that is not met says so.
"""
_ACCEPTING = """\
## Taking orders

`POST /images` with `Prefer: respond-async` over 64 connections that are kept, from 50 customers, to
one serving process on SQLite that makes no pictures itself (`--no-worker`). An order is answered
once it is on disk; orders of the same moment share a transaction. The number is the median of the
rounds, in brackets the lowest and the highest.
"""
_WAITING = """\
## Orders that take long

{together} orders that come within a second and are under way together, as the monolith takes them:
the answer comes with the picture. The provider takes two seconds for each and sends a picture of
512x512 pixels, which the service decodes and keeps. Beside them one customer looks at an image 200
times a second. The monolith, which makes four at once, needs 50 seconds, and whoever asks it for
anything else waits as long.
"""
_LIMITS = """\
## What these numbers do not say

- **One machine, loopback.** No network, no TLS, no gateway in front; customers and service share
  two cores.
- **Orders taken are not pictures made.** The procedural renderer paints some 10 to 30 pictures for
  each second of CPU; workers of their own (`figueira-images worker`) make them on other cores.
- **Nothing is asserted.** Numbers of one run are good to about 20 %.
"""


@dataclass(slots=True, kw_only=True)
class Figures:
    """What was measured, a value for each round."""

    together: int
    per_core: list[float | None] = field(default_factory=list)
    per_second: list[float | None] = field(default_factory=list)
    answers_s: list[list[float]] = field(default_factory=list)
    together_s: list[float | None] = field(default_factory=list)
    idle_s: list[list[float]] = field(default_factory=list)
    under_load_s: list[list[float]] = field(default_factory=list)
    in_one_moment_s: list[list[float]] = field(default_factory=list)


def page(figures: Figures, machine: Machine, rounds: int) -> str:
    """The whole page."""
    head = (
        f"{machine.cpu}, {machine.cores} cores, {machine.kernel}, Python {machine.python}; "
        f"{machine.date}, {rounds} rounds, load {machine.load:.1f} before.\n"
    )
    parts = [_TITLE, head, _ACCEPTING, _accepting(figures), "", _WAITING, _waiting(figures)]
    return "\n".join([part.replace("{together}", str(figures.together)) for part in parts]) + (
        f"\n\n{_LIMITS}"
    )


def _accepting(figures: Figures) -> str:
    every_ms = [seconds * 1000 for round_s in figures.answers_s for seconds in round_s]
    met = _at_least(figures.per_core, PER_CORE)
    rows = [
        ["orders for a second of CPU (target)", f"{median_cell(figures.per_core)} {met}"],
        ["orders a second", median_cell(figures.per_second)],
        ["answer, median, ms", digits(percentile(every_ms, 0.5))],
        ["answer, 99th percentile, ms", digits(percentile(every_ms, 0.99))],
    ]
    return table(["", "taken"], rows)


def _waiting(figures: Figures) -> str:
    idle = [percentile(round_s, 0.99) * 1000 for round_s in figures.idle_s]
    loaded = [percentile(round_s, 0.99) * 1000 for round_s in figures.under_load_s]
    ratios = [after / before for before, after in zip(idle, loaded, strict=True)]
    moment = [percentile(round_s, 0.99) * 1000 for round_s in figures.in_one_moment_s]
    harder = [after / before for before, after in zip(idle, moment, strict=True)]
    took = percentile([value for value in figures.together_s if value is not None], 0.5)
    rows = [
        [f"{figures.together} orders, seconds (target)", verdict(took, TOGETHER_S)],
        ["look at an image, nothing else going on, 99th percentile, ms", median_cell([*idle])],
        ["look at an image beside them, 99th percentile, ms", median_cell([*loaded])],
        ["the second against the first (target)", verdict(percentile(ratios, 0.5), FLAT)],
        ["the same beside orders that come in one moment, ms", median_cell([*moment])],
        ["against nothing else going on (target)", verdict(percentile(harder, 0.5), FLAT)],
    ]
    return table(["", "measured"], rows)


def _at_least(values: list[float | None], least: float) -> str:
    present = sorted(value for value in values if value is not None)
    is_met = bool(present) and present[len(present) // 2] >= least
    return f"({least:g} or more, {'met' if is_met else '**not met**'})"
