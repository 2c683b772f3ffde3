"""One section of the report for each thing that was measured: its words and its table."""

from __future__ import annotations

from bench.cases import CASES, MIB
from bench.results import DIRECT, Costs, Flips, Growth, Latencies, Memory, Rounds, Workers
from bench.rounds import median_of, median_ratio, percentile
from bench.table import median_cell, table
from bench.targets import (
    COST_RATIOS,
    FLIP_MS,
    IDLE_RATIO,
    LATENCY_RATIO,
    MEMORY_MIB,
    ROUTES_RATIO,
    WORKER_SHARES,
    WORKERS_RATIO,
    digits,
    verdict,
)

_OURS = "figueira"
_COST = """\
Microseconds of CPU (user and system, all processes of the proxy) for one request. Each proxy has
one worker or thread, sixteen keep-alive connections from the same load generator and the same
origin. Proxies take turns within each round. The number is the median of the rounds, in brackets
the lowest and the highest; CPU time is counted in steps of 10 ms, 1 to 2 % of a round."""
_RATIOS = """\
Figueira's cost as a part of each proxy's, taken round by round, then the median: below 1 is
cheaper. These are the numbers to go by; the microseconds move with the machine and its mood."""
_LATENCY = """\
One connection, one request (GET 1 KiB) at a time: the median of each round."""
_MEMORY = """\
Memory of all processes of the proxy (a page that they share counts once), looked at every 10 ms
during one transfer with an end that takes less than 50 MiB a second."""
_WORKERS = """\
GET 1 KiB over 64 connections. A worker's share of the requests is its share of the bytes read."""
_FLIPS = """\
The time from writing routes.yaml (a new file renamed over the old one) to sending the first request
that goes by it, while a customer asks a thousand times a second."""


def costs_section(costs: Costs) -> str:
    """CPU per request: medians, ratios, who took part and who did not."""
    cases = [case for case in CASES if any(name == case.name for name, _ in costs.cpu_us)]
    heads = ["", *(case.label for case in cases)]
    medians = [
        [peer.label, *(median_cell(_cost(costs, case.name, name)) for case in cases)]
        for name, peer in costs.peers.items()
    ]
    medians += [[label, *("left out" for _ in cases)] for label in costs.absent]
    parts = ["## CPU per request", _COST, table(["microseconds", *heads[1:]], medians)]
    ratios = [
        [peer.label, *(_ratio(costs, case.name, name) for case in cases)]
        for name, peer in costs.peers.items()
        if name != _OURS
    ]
    if _OURS in costs.peers and ratios:
        parts += [_RATIOS, table(["Figueira / peer (target)", *heads[1:]], ratios)]
    parts.append(_who(costs))
    return "\n\n".join(parts)


def _cost(costs: Costs, case: str, peer: str) -> Rounds:
    return costs.cpu_us.get((case, peer), [])


def _ratio(costs: Costs, case: str, peer: str) -> str:
    ratio = median_ratio(_cost(costs, case, _OURS), _cost(costs, case, peer))
    return verdict(ratio, COST_RATIOS[peer][case])


def _who(costs: Costs) -> str:
    lines = [f"- **{p.label}** ({p.version}): {p.features}." for p in costs.peers.values()]
    lines += [f"- **{label}** was left out: {why}." for label, why in costs.absent.items()]
    lines += [f"- A round failed: {fault}." for fault in costs.faults]
    return "\n".join(lines)


def latency_section(latencies: Latencies) -> str:
    """Unloaded latency, and ours against Envoy's."""
    rows = []
    ours = latencies.p50_us.get("Figueira", [])
    for label, values in latencies.p50_us.items():
        against = "-"
        if label == "Envoy":
            against = verdict(median_ratio(ours, values), LATENCY_RATIO)
        elif label not in {DIRECT, "Figueira"}:
            ratio = median_ratio(ours, values)
            against = "not measured" if ratio is None else digits(ratio)
        rows.append([label, median_cell(values), against])
    heads = ["", "p50, microseconds", "Figueira / peer (target)"]
    return "\n\n".join(["## Latency without load", _LATENCY, table(heads, rows)])


def memory_section(found: list[Memory]) -> str:
    """Memory above idle during long transfers."""
    rows = []
    for each in found:
        above_mib = (each.peak_bytes - each.idle_bytes) / MIB
        said = verdict(above_mib, MEMORY_MIB) if each.label == "Figueira" else digits(above_mib)
        what = f"{each.label}, {each.transfer_mib} MiB {each.direction}"
        rows.append([what, digits(each.idle_bytes / MIB), digits(each.peak_bytes / MIB), said])
    heads = ["MiB", "idle", "peak", "above idle (target)"]
    return "\n\n".join(["## Memory", _MEMORY, table(heads, rows)])


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
    first, *_, last = growth.cpu_us
    rows = []
    for count, values in growth.cpu_us.items():
        ratio = median_ratio(values, growth.cpu_us[first])
        said = "not measured" if ratio is None else digits(ratio)
        if count == last:
            said = verdict(ratio, most)
        rows.append([f"{count:,}", median_cell(values), "-" if count == first else said])
    heads = [growth.of, "CPU, microseconds", f"against {first:,} (target)"]
    return table(heads, rows)


def workers_section(workers: Workers) -> str:
    """Two workers against one."""
    low, high = WORKER_SHARES
    share = median_of(workers.first_share)
    shares = "not measured"
    if share is not None:
        is_fair = all(low <= part <= high for part in (share, 1 - share))
        said = "met" if is_fair else "**not met**"
        shares = f"{share:.0%} and {1 - share:.0%} ({low:.0%} to {high:.0%}, {said})"
    ratio = verdict(median_ratio(workers.two_us, workers.one_us), WORKERS_RATIO)
    rows = [
        ["1", median_cell(workers.one_us), "-", "-"],
        ["2", median_cell(workers.two_us), ratio, shares],
    ]
    heads = ["workers", "CPU, microseconds", "against one (target)", "shares (target)"]
    return "\n\n".join(["## Two workers", _WORKERS, table(heads, rows)])


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
