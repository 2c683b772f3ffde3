"""One section of the report for each thing that was measured: its words and its table."""

from __future__ import annotations

from bench.cases import MIB
from bench.memory import TRANSFERS
from bench.results import DIRECT, OUR_LABEL, Flips, Growth, Latencies, Memory, Rounds, Workers
from bench.rounds import median_of, median_ratio, percentile
from bench.table import median_cell, table
from bench.targets import (
    FLIP_MS,
    IDLE_RATIO,
    LATENCY_RATIO,
    MEMORY_MIB,
    ROUTES_RATIO,
    WORKER_SHARE,
    WORKERS_RATIO,
    digits,
    verdict,
)

_LATENCY = """\
One connection, one request (GET 1 KiB) at a time: the median of each of many short rounds. Most of
it is the waking of one process by another, which proxies do not decide."""
_MEMORY = """\
One body of {size} MiB at a time, through a proxy that has just started and served some requests.
A slow end takes {rate} MiB a second. Idle is the memory of all processes, a page that they share
counted once; above it, the kernel's high-water mark of each process's resident memory."""
_WORKERS = """\
GET 1 KiB over 64 connections. A worker's share of the requests is its share of the bytes read; the
median over the rounds is of the busier worker's share, whichever that was."""
_FLIPS = """\
The time from writing routes.yaml (a new file renamed over the old one) to sending the first request
that goes by it, while a customer asks a thousand times a second."""


def latency_section(latencies: Latencies) -> str:
    """Unloaded latency, and ours against Envoy's."""
    rows = []
    ours = latencies.p50_us.get(OUR_LABEL, [])
    for label, values in latencies.p50_us.items():
        against = "-"
        if label == "Envoy":
            against = verdict(median_ratio(ours, values), LATENCY_RATIO)
        elif label not in {DIRECT, OUR_LABEL}:
            ratio = median_ratio(ours, values)
            against = "not measured" if ratio is None else digits(ratio)
        rows.append([label, median_cell(values), against])
    heads = ["", "p50, microseconds", "Figueira / peer (target)"]
    return "\n\n".join(["## Latency without load", _LATENCY, table(heads, rows)])


def memory_section(memory: Memory) -> str:
    """Memory above idle during long transfers."""
    names = [name for name in TRANSFERS if any(each == name for _, each in memory.above_bytes)]
    rows = [
        [label, digits(idle / MIB), *(_above(memory, label, name) for name in names)]
        for label, idle in memory.idle_bytes.items()
    ]
    words = _MEMORY.format(size=f"{memory.transfer_mib:,}", rate=memory.slow_mib_per_s)
    parts = ["## Memory", words, table(["MiB above idle (target)", "idle", *names], rows)]
    if memory.faults:
        parts.append("\n".join(f"- A transfer failed: {fault}." for fault in memory.faults))
    return "\n\n".join(parts)


def _above(memory: Memory, label: str, transfer: str) -> str:
    above = memory.above_bytes.get((label, transfer))
    if above is None:
        return "failed"
    return verdict(above / MIB, MEMORY_MIB) if label == OUR_LABEL else digits(above / MIB)


def routes_section(growth: Growth) -> str:
    """Cost by number of routes."""
    words = "GET 1 KiB on gateways with so many routes; every route is asked in turn."
    return "\n\n".join(["## More routes", words, _growth_table(growth, ROUTES_RATIO)])


def idle_section(growth: Growth) -> str:
    """Cost by number of idle connections."""
    words = "GET 1 KiB beside so many keep-alive connections that have had an answer and wait."
    parts = ["## More idle connections", words, _growth_table(growth, IDLE_RATIO)]
    parts += [f"{count:,} were left out: {why}." for count, why in growth.skipped.items()]
    return "\n\n".join(parts)


def _growth_table(growth: Growth, most: float) -> str:
    first = min(growth.cpu_us)
    # What this machine does not allow is not met by something smaller.
    farthest = max([*growth.cpu_us, *growth.skipped])
    rows = []
    for count, values in growth.cpu_us.items():
        ratio = median_ratio(values, growth.cpu_us[first])
        said = "not measured" if ratio is None else digits(ratio)
        if count == farthest:
            said = verdict(ratio, most)
        rows.append([f"{count:,}", median_cell(values), "-" if count == first else said])
    heads = [growth.of, "CPU, microseconds", f"against {first:,} (target)"]
    return table(heads, rows)


def workers_section(workers: Workers) -> str:
    """Two workers against one."""
    ratio = verdict(median_ratio(workers.two_us, workers.one_us), WORKERS_RATIO)
    rows = [
        ["1", median_cell(workers.one_us), "-", "-"],
        ["2", median_cell(workers.two_us), ratio, _shares(workers.busier_share)],
    ]
    heads = ["workers", "CPU, microseconds", "against one (target)", "shares (target)"]
    return "\n\n".join(["## Two workers", _WORKERS, table(heads, rows)])


def _shares(busier: Rounds) -> str:
    middle = median_of(busier)
    if middle is None:
        return "not measured"
    worst = max(share for share in busier if share is not None)
    said = "met" if middle <= WORKER_SHARE else "**not met**"
    shown = f"{1 - middle:.0%} and {middle:.0%}, at worst {1 - worst:.0%} and {worst:.0%}"
    return f"{shown} ({1 - WORKER_SHARE:.0%} to {WORKER_SHARE:.0%}, {said})"


def flips_section(flips: Flips) -> str:
    """Time of a flip."""
    row = [
        str(len(flips.took_ms)),
        digits(min(flips.took_ms)),
        verdict(percentile(flips.took_ms, 0.5), FLIP_MS),
        digits(max(flips.took_ms)),
    ]
    heads = ["flips", "fastest, ms", "median, ms (target)", "slowest, ms"]
    return "\n\n".join(["## A flip", _FLIPS, table(heads, [row])])
