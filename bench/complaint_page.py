"""docs/complaint.md: the machine, the table, and how it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.machine import Machine
from bench.report import facts
from bench.rounds import percentile
from bench.table import table
from bench.targets import digits, verdict

RISE = 500.0
"""At least: the complaint, reproduced."""
FLAT = 2.0
"""At most: the complaint, answered. The machine's two cores are shared by everything."""
_TITLE = """\
# The complaint, and its answer

*"Whenever somebody orders pictures, the whole shop hangs."* This page is written by
`python -m bench complaint`, words included; a target that is not met says so."""
_WORDS = """\
What a look at the product list takes (`GET /products`, milliseconds), for {customers} customers who
each ask, read and rest a quarter of a second: with nobody else in the shop, and while {orders}
image orders are in flight at every moment. A picture takes {delay_s:g} seconds (the median on the
monolith) and then as long as it takes to paint it; everything runs as it is shipped, on one
machine."""
_WHY = """\
The monolith has four threads for everything. An image order holds one of them while it waits for
its picture, so that a look at the product list stands in the queue behind orders that take seconds:
{orders} orders through four threads are five rounds of {delay_s:g} seconds and more. A proxy before
it changes nothing. Once new images are made by the image service, the monolith has no orders to
wait for. Between the second row and the third nothing was restarted: one number in `routes.yaml`
was changed."""
_LIMITS = """\
- **The machine is shared**: customers, gateway, monolith and image service run on the same cores,
  and painting takes them. What still rises in the last row comes of that.
- **Looks are few where they are slow**: the tails of the first two rows are of as many looks as the
  table says.
- **Nothing is asserted.** The numbers decide no test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What customers met in one of the three settings."""

    label: str
    idle_ms: Sequence[float]
    loaded_ms: Sequence[float]
    pictures_per_s: float
    """That were finished while the orders were in flight."""

    @property
    def rise(self) -> float:
        """How many times longer the median look took beside the orders."""
        return percentile(self.loaded_ms, 0.5) / percentile(self.idle_ms, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Everything that was measured: at the monolith, before the flip, after it."""

    customers: int
    orders: int
    delay_s: float
    samples: Sequence[Samples]


def page(complaint: Complaint, machine: Machine, command: str) -> str:
    """The whole page."""
    numbers = {
        "customers": complaint.customers,
        "orders": complaint.orders,
        "delay_s": complaint.delay_s,
    }
    heads = [
        "`GET /products`, ms",
        "idle, median",
        "p99",
        f"{complaint.orders} orders in flight, median",
        "p99",
        "rise of the median (target)",
        "looks",
        "pictures a second",
    ]
    rows = [_row(samples, complaint) for samples in complaint.samples]
    parts = [_TITLE, facts(machine, f"`{command}`"), _WORDS.format(**numbers)]
    return "\n\n".join([*parts, table(heads, rows), _WHY.format(**numbers), _LIMITS]) + "\n"


def _row(samples: Samples, complaint: Complaint) -> list[str]:
    is_last = samples is complaint.samples[-1]
    return [
        samples.label,
        digits(percentile(samples.idle_ms, 0.5)),
        digits(percentile(samples.idle_ms, 0.99)),
        digits(percentile(samples.loaded_ms, 0.5)),
        digits(percentile(samples.loaded_ms, 0.99)),
        verdict(samples.rise, FLAT) if is_last else _risen(samples.rise),
        f"{len(samples.idle_ms)} and {len(samples.loaded_ms)}",
        digits(samples.pictures_per_s),
    ]


def _risen(rise: float) -> str:
    return f"{digits(rise)} (≥ {digits(RISE)}, {'met' if rise >= RISE else '**not met**'})"
