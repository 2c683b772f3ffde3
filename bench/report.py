"""docs/performance.md: the machine, the picture, the sections, and what they do not say."""

from __future__ import annotations

from collections.abc import Iterator

from bench.cases import CASES
from bench.chart import Bar, Panel, draw
from bench.claims import claims
from bench.cost_section import costs_section
from bench.machine import Machine
from bench.results import OURS, Costs, Results
from bench.rounds import median_of
from bench.sections import (
    flips_section,
    idle_section,
    latency_section,
    memory_section,
    routes_section,
    workers_section,
)
from bench.table import table

PICTURE = "performance.svg"
_TITLE = """\
# Performance

What a proxied request costs, beside other proxies on the same machine in the same minutes. This
page is written by `make bench`, words included; a target that is not met says so."""
_LIMITS = """\
## What these numbers do not say

- **Proxies differ in what they do.** Figueira runs as it is shipped. All but the two Python
  proxies have as many routes, share the traffic out over two backends, count it, and write an
  access log as JSON to a file on the same disk; Traefik does not keep customers on one side. The
  Python proxies do none of that, which favours them. Figueira, Envoy, nginx and Traefik write log
  lines behind the requests, HAProxy and Caddy each at once.
- **nginx and HAProxy are as old as the machine's distribution has them**, the others are this
  year's.
- **CPU is not throughput.** Nothing here is a most of requests per second: load generator, origin
  and proxy share the machine's cores, and a proxy that has a core to itself behaves a little
  differently.
- **One machine, loopback.** There is no network, no packet loss, no TLS, no HTTP/2; clients and
  origin are on their best behaviour.
- **Means of rounds, not tails.** Latency is a median without load; what the slowest of a thousand
  requests under load takes is not measured.
- **Nothing is asserted.** The numbers decide no test; they change with kernel, CPU and neighbours.
  Ratios within one run are good to about 20 %."""


def sections(results: Results) -> Iterator[str]:
    """The text of whatever was measured."""
    if results.costs:
        yield costs_section(results.costs)
    if results.latencies:
        yield latency_section(results.latencies)
    if results.memory:
        yield memory_section(results.memory)
    if results.routes:
        yield routes_section(results.routes)
    if results.idle:
        yield idle_section(results.idle)
    if results.workers:
        yield workers_section(results.workers)
    if results.flips:
        yield flips_section(results.flips)


def facts(machine: Machine, command: str) -> str:
    """The machine and what was run on it, as a table."""
    rows = [
        ["date", machine.date],
        ["CPU", f"{machine.cpu}, {machine.cores} cores"],
        ["memory", f"{machine.memory_gib} GiB"],
        ["kernel", machine.kernel],
        ["Python", machine.python],
        ["busy before", f"{machine.load:.1f} processes on average"],
        ["command", command],
    ]
    return table(["", ""], rows)


def page(results: Results, machine: Machine, command: str, rounds: int) -> str:
    """The whole page."""
    parts = [_TITLE, facts(machine, f"`{command}`, {rounds} rounds")]
    if said := claims(results):
        parts.append(said)
    if results.costs:
        parts.append(f"![CPU per request, side by side]({PICTURE})")
    return "\n\n".join([*parts, *sections(results), _LIMITS]) + "\n"


def picture(costs: Costs) -> str:
    """The costs as bars, a panel for each case (SVG)."""
    panels = []
    for case in CASES:
        bars = []
        for name, peer in costs.peers.items():
            value = median_of(costs.cpu_us.get((case.name, name), []))
            if value is not None:
                bars.append(Bar(peer.label, value, is_ours=name == OURS))
        if bars:
            panels.append(Panel(case.label, bars))
    return draw("Microseconds of CPU per request (shorter is cheaper)", panels)
