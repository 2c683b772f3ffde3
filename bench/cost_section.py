"""The section of the report about CPU per request: medians, ratios, who took part, how fairly."""

from __future__ import annotations

from collections.abc import Callable

from bench.cases import CASES
from bench.results import OURS, Busy, Costs, Rounds
from bench.rounds import median_of, median_ratio
from bench.table import median_cell, table
from bench.targets import COST_RATIOS, digits, verdict

_BOTTLENECK = 0.9
"""Of a core: an end that is busier than this may be what the proxies wait for."""
_COST = """\
Microseconds of CPU (user and system, all processes of the proxy) for one request. Each proxy has
one worker or thread, the same sixteen keep-alive connections from the load generator, and the same
origin. Proxies take turns within each round. The number is the median of the rounds, in brackets
the lowest and the highest. What a proxy does just after the last answer (access lines that it has
gathered) is counted, its warm-up is not."""
_RATIOS = """\
Figueira's cost as a part of each proxy's, taken round by round, then the median: below 1 is
cheaper. These are the numbers to go by; the microseconds move with the machine and its mood."""


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
        if name != OURS
    ]
    if OURS in costs.peers and ratios:
        parts += [_RATIOS, table(["Figueira / peer (target)", *heads[1:]], ratios)]
    parts.append(_who(costs))
    return "\n\n".join(parts)


def _cost(costs: Costs, case: str, peer: str) -> Rounds:
    return costs.cpu_us.get((case, peer), [])


def _ratio(costs: Costs, case: str, peer: str) -> str:
    ratio = median_ratio(_cost(costs, case, OURS), _cost(costs, case, peer))
    if peer in COST_RATIOS:
        return verdict(ratio, COST_RATIOS[peer][case])
    return "not measured" if ratio is None else digits(ratio)


def _who(costs: Costs) -> str:
    lines = [f"- **{p.label}** ({p.version}): {p.features}." for p in costs.peers.values()]
    lines += [f"- **{label}** was left out: {why}." for label, why in costs.absent.items()]
    lines += [f"- A round failed: {fault}." for fault in costs.faults]
    if costs.busy:
        lines.append("")
        lines.append(_ends(costs))
    return "\n".join(lines)


def _ends(costs: Costs) -> str:
    """Whether the two ends were quick enough, and connections to the origin were kept."""
    lines = [
        _busiest(costs, "the load generator", lambda busy: busy.load),
        _busiest(costs, "the origin", lambda busy: busy.origin),
    ]
    opened = ", ".join(f"{peer.label} {costs.opened[name]}" for name, peer in costs.peers.items())
    lines.append(f"New connections to the origin under load, in the worst round: {opened}.")
    return "\n".join(f"- {line}" for line in lines)


def _busiest(costs: Costs, end: str, share: Callable[[Busy], float]) -> str:
    found = {key: median_of([share(busy) for busy in rounds]) for key, rounds in costs.busy.items()}
    (case, peer), most = max(found.items(), key=lambda item: item[1] or 0)
    label = next(each.label for each in CASES if each.name == case)
    said = f"{end} used {most:.0%} of a core at most ({label} through {costs.peers[peer].label})"
    is_slow = most is not None and most > _BOTTLENECK
    return said[0].upper() + said[1:] + (": **the proxy waited for it**." if is_slow else ".")
