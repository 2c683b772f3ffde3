"""The measurements in three sentences: for the top of the page, and for the README."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from bench.cases import GET_1K, MIB
from bench.results import DIRECT, OUR_LABEL, OURS, Costs, Latencies, Memory, Results
from bench.rounds import median_of, median_ratio, percentile
from bench.targets import digits

BEGIN, END = "<!-- measured: `make bench` writes this -->\n", "<!-- end of measured -->\n"
"""Around the sentences in the README."""
_WIDTH = 100
_YARDSTICKS = (DIRECT, "Envoy", "nginx")
"""Whose latency is named."""


def claims(results: Results) -> str:
    """A list in Markdown; empty if nothing of it was measured."""
    return "\n".join(
        textwrap.fill(f"- {each}", _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        for each in _claims(results)
    )


def put(readme: str, said: str) -> str:
    """The README with these sentences in their place, or as it is if it has no place for them."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}{said}\n{end}{after}" if end else readme


def _claims(results: Results) -> Iterator[str]:
    if results.costs:
        yield from _cost(results.costs)
    if results.latencies:
        yield from _latency(results.latencies)
    if results.memory:
        yield from _memory(results.memory)
    if results.flips:
        median_ms = percentile(results.flips.took_ms, 0.5)
        yield f"A flip takes effect {digits(median_ms)} ms after the file is written."


def _cost(costs: Costs) -> Iterator[str]:
    ours = costs.cpu_us.get((GET_1K.name, OURS), [])
    middle = median_of(ours)
    if middle is None:
        return
    ratios = [
        f"{digits(ratio)} times {peer.label}'s"
        for name, peer in costs.peers.items()
        if (ratio := median_ratio(ours, costs.cpu_us.get((GET_1K.name, name), []))) is not None
        and name != OURS
    ]
    said = f"{GET_1K.label} costs {digits(middle)} microseconds of CPU"
    yield f"{said}: {', '.join(ratios)}." if ratios else f"{said}."


def _latency(latencies: Latencies) -> Iterator[str]:
    found = {
        label: middle
        for label, values in latencies.p50_us.items()
        if (middle := median_of(values)) is not None
    }
    if OUR_LABEL in found:
        others = [f"{digits(found[each])} with {each}" for each in _YARDSTICKS if each in found]
        said = f"Without load, it takes {digits(found[OUR_LABEL])} microseconds"
        yield f"{said} ({', '.join(others)})." if others else f"{said}."


def _memory(memory: Memory) -> Iterator[str]:
    above = [each for (label, _), each in memory.above_bytes.items() if label == OUR_LABEL]
    if above:
        size, most = f"{memory.transfer_mib:,} MiB", digits(max(above) / MIB)
        yield f"A body of {size} takes at most {most} MiB of memory on its way."
