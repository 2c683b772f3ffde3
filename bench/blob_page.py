"""docs/blobs-performance.md: tables, targets, and what they do not say."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.cases import MIB
from bench.machine import Machine
from bench.rounds import median_ratio
from bench.table import median_cell, table
from bench.targets import digits, verdict

NAME = "blobs-performance.md"
RATIO = 2.0
"""CPU of an answer against FileResponse's."""
MEMORY_MIB = 80.0
"""Above idle, for 200 customers who do not read: two pieces of 128 KiB each, and as much again for
tasks and allocators. All the pictures together are 763 MiB."""
MAKING_MIB = 400.0
"""Two at a time: each decoded, scaled, and in the encoder's own buffers; and what the allocator
keeps of those before."""
_TITLE = """\
# What pictures cost

What the image service spends on sending pictures and on making smaller ones of them, measured by
`python -m bench blobs`, which writes this page, words included; a target that is not met says so.
"""
_READS = """\
## Reading

Microseconds of CPU (user and system) of the server for one answer, over four connections that are
kept, from a folder. Beside it Starlette's FileResponse on the same server, set up alike, for the
same file; it knows no 304, so that line has it send the least it can. Servers take turns within
each round; the number is the median of the rounds, in brackets the lowest and the highest.
"""
_MEMORY = """\
## Memory

MiB of the server above idle while 200 customers have asked for a picture of 4 MB each, 800 MB
together, and read nothing; then all of them read to the end.
"""
_MAKING = """\
## Making

Milliseconds of CPU for another format or size of a painted landscape of 1024x1024 pixels: the first
time it is asked for, and from then on. It is made once, in a thread, and kept.
"""
_LIMITS = """\
## What these numbers do not say

- **One machine, loopback.** No network, no TLS, no gateway in front; clients and server share two
  cores.
- **A folder.** A bucket adds its round trips, and CPU for the client's side of them.
- **CPU is not throughput**, and means of rounds are not tails.
- **Nothing is asserted.** Ratios within one run are good to about 20 %.
"""


@dataclass(slots=True, kw_only=True)
class Figures:
    """What was measured."""

    costs_us: dict[tuple[str, str], list[float | None]] = field(default_factory=dict)
    """By case and by who, "ours" or "theirs", a value for each round."""
    memory_bytes: dict[str, int] = field(default_factory=dict)
    made_ms: dict[str, float] = field(default_factory=dict)
    again_ms: dict[str, float] = field(default_factory=dict)
    making_bytes: int = 0
    """The server's peak above idle while derivatives of the largest pictures are made."""
    together_ms: dict[int, float] = field(default_factory=dict)
    """How many asked at once -> CPU of all their answers."""

    def add(self, case: str, who: str, value: float) -> None:
        """Add a round."""
        self.costs_us.setdefault((case, who), []).append(value)


def page(figures: Figures, machine: Machine, rounds: int) -> str:
    """The whole page."""
    about = table(
        ["", ""],
        [
            ["date", machine.date],
            ["CPU", f"{machine.cpu}, {machine.cores} cores"],
            ["kernel", machine.kernel],
            ["Python", machine.python],
            ["rounds", str(rounds)],
        ],
    )
    parts = [_TITLE, about + "\n", _READS, _reads(figures), _MEMORY, _memory(figures)]
    return "\n".join([*parts, _MAKING, _making(figures), _LIMITS])


def _reads(figures: Figures) -> str:
    rows = []
    for case in dict.fromkeys(name for name, _ in figures.costs_us):
        ours, theirs = (figures.costs_us[case, who] for who in ("ours", "theirs"))
        ratio = verdict(median_ratio(ours, theirs), RATIO)
        rows.append([case, median_cell(ours), median_cell(theirs), ratio])
    return table(["microseconds", "image service", "FileResponse", "ratio"], rows) + "\n"


def _memory(figures: Figures) -> str:
    ours, theirs = (figures.memory_bytes[who] / MIB for who in ("ours", "theirs"))
    row = ["200 x 4 MB, not read", verdict(ours, MEMORY_MIB), digits(theirs)]
    return table(["MiB above idle", "image service", "FileResponse"], [row]) + "\n"


def _making(figures: Figures) -> str:
    rows = [
        [name, digits(made), digits(figures.again_ms[name])]
        for name, made in figures.made_ms.items()
    ]
    made = table(["milliseconds", "the first time", "from then on"], rows)
    (one, alone), (many, together) = sorted(figures.together_ms.items())
    peak = verdict(figures.making_bytes / MIB, MAKING_MIB)
    return f"""\
{made}

- {many} customers who ask for one new AVIF 512 wide at the same moment cost {digits(together)} ms
  together; {one} alone costs {digits(alone)} ms.
- Twelve new AVIFs of pictures of 3840x2160 pixels, asked for at once and made two at a time, take
  {peak} MiB above idle.
"""
