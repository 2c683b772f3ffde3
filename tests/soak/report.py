"""What a soak has found, in words and tables."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from tests.soak.run import VISITORS, Soaked
from tests.soak.verdict import (
    MAX_DESCRIPTOR_GROWTH,
    MAX_RSS_GROWTH_BYTES,
    WARM_UP,
    Trend,
    trends,
)

_MIB = 1 << 20
_PROCESS_COLUMNS = (
    *("process", "RSS start", "median", "most", "growth", "per hour"),
    *("descriptors median", "most", "growth", "before, after", "verdict"),
)


def faults_of(soaked: Soaked) -> list[str]:
    """Everything that speaks against the gateway, slopes apart; empty if nothing does."""
    found = [*map(str, soaked.ledger.wrong), *soaked.lines]
    missing = soaked.ledger.wrongs.total() - len(soaked.ledger.wrong)
    if missing > 0:
        found.append(f"and {missing} more wrong answers")
    found += [
        f"{role}: {soaked.before[role]} descriptors before, {count} after all had left"
        for role, count in soaked.after.items()
        if count > soaked.before[role]
    ]
    if soaked.exit_code:
        found.append(f"the gateway ended with {soaked.exit_code}")
    return found


def growths_of(soaked: Soaked) -> list[str]:
    """The processes that grow."""
    return [
        f"{each.role}: memory grew by {each.rss_growth_bytes / _MIB:.1f} MiB, descriptors by "
        f"{each.descriptor_growth:.1f}"
        for each in trends(soaked.samples, soaked.seconds)
        if each.is_judged and not each.is_flat
    ]


def write_report(soaked: Soaked, day: date) -> str:
    """The report as Markdown."""
    found = faults_of(soaked) + growths_of(soaked)
    return "\n".join(_lines(soaked, found, day)) + "\n"


def _lines(soaked: Soaked, found: Sequence[str], day: date) -> Iterator[str]:
    ledger = soaked.ledger
    asked = ledger.right.total() + ledger.excused.total() + ledger.wrongs.total()
    yield "# Soak"
    yield ""
    yield "Written by `python -m tests.soak --minutes 10`; run it again to see for yourself."
    yield ""
    yield (
        f"{soaked.seconds / 60:.1f} minutes on {day.isoformat()}, {os.cpu_count()} cores shared "
        f"by all, Python {platform.python_version()}: `figueira serve` with two workers before two "
        f"backends, {VISITORS} visitors who never rest, {asked:,} requests, "
        f"{soaked.trouble.made.total()} faults."
    )
    yield ""
    yield f"**Verdict: {'not passed' if found else 'passed'}.**"
    yield from (f"- {each}" for each in found)
    yield ""
    yield from _processes(trends(soaked.samples, soaked.seconds), soaked)
    yield from _requests(soaked)
    yield from _troubles(soaked)


def _processes(found: Sequence[Trend], soaked: Soaked) -> Iterator[str]:
    yield "## Memory and descriptors"
    yield ""
    yield from _table(
        _PROCESS_COLUMNS,
        (
            (
                each.role,
                *(_mib(value) for value in (each.rss_start_bytes, each.rss_median_bytes)),
                _mib(each.rss_max_bytes),
                f"{each.rss_growth_bytes / _MIB:+.2f}",
                f"{each.rss_slope_bytes_per_hour / _MIB:+.1f}",
                f"{each.descriptors_median:g}",
                str(each.descriptors_max),
                f"{each.descriptor_growth:+.1f}",
                f"{soaked.before.get(each.role)}, {soaked.after.get(each.role)}",
                _judgement(each),
            )
            for each in found
        ),
    )
    yield ""
    yield (
        f"MiB; sampled every second. Growth is the slope of the last {1 - WARM_UP:.0%} of the run "
        "(the median of the slopes of all pairs of samples) times its length: until then pools, "
        "parsers and the allocator's arenas grow to what the load needs."
    )
    yield ""
    yield (
        f"Flat means at most {MAX_RSS_GROWTH_BYTES / _MIB:g} MiB and {MAX_DESCRIPTOR_GROWTH:g} "
        "descriptors: what the buffers and connections of the requests in flight make between "
        "one sample and the next. The sharper test of descriptors is *before, after*: when all "
        "have left and idle connections are closed, each process must hold as many as before "
        "the load, to the last one."
    )
    yield ""


def _judgement(trend: Trend) -> str:
    if not trend.is_judged:
        return f"replaced {trend.pids - 1} times, not judged"
    return "flat" if trend.is_flat else "**grows**"


def _requests(soaked: Soaked) -> Iterator[str]:
    ledger = soaked.ledger
    counts = (ledger.right, ledger.excused, ledger.wrongs)
    kinds = sorted({kind for counted in counts for kind in counted})
    yield "## Requests"
    yield ""
    yield from _table(
        ("kind", "right", "excused", "wrong"),
        (
            (
                kind,
                f"{ledger.right[kind]:,}",
                f"{ledger.excused[kind]:,}",
                f"{ledger.wrongs[kind]:,}",
            )
            for kind in kinds
        ),
    )
    yield ""
    yield (
        "Right: the status that this very request must get, and of a body every byte. Excused: cut "
        "while a worker was killed; cut, 502, 503 or 504 while a backend was down; until two "
        "seconds later. Nothing excuses a complete answer with other bytes, and the death of "
        "control, flips and broken files excuse nothing at all."
    )
    yield ""


def _troubles(soaked: Soaked) -> Iterator[str]:
    yield "## Faults"
    yield ""
    made = sorted(soaked.trouble.made.items())
    yield from _table(("fault", "times"), ((name, str(times)) for name, times in made))
    yield ""
    yield "Those that a backend makes of a single request stand among the requests."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _mib(size: int) -> str:
    return f"{size / _MIB:.1f}"
