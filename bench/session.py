"""One session of measuring: its origin, its temporary folder, how much of everything."""

from __future__ import annotations

import itertools
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.cases import CASES, Case, LoadPlan
from bench.cpu import cpu_of_tree_s
from bench.load import LoadResult
from bench.peers.field import PEERS, Serving, serving
from bench.peers.peer import Peer
from bench.processes import loading, running_origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured."""

    cases: Sequence[Case] = CASES
    peers: Sequence[Peer] = PEERS
    rounds: int = 5
    scale: float = 1.0
    """Of every case's number of requests."""
    seconds: float = 6.0
    """The longest that one proxy is under load at a stretch."""
    transfer_mib: int = 256
    flips: int = 30


QUICK = Extent(rounds=1, scale=0.1, seconds=0.6, transfer_mib=64, flips=5)
"""For seeing that everything works; its numbers say little."""


@dataclass(slots=True, kw_only=True)
class Session:
    """Everything that the measurements share."""

    extent: Extent
    folder: Path
    origins: Mapping[str, int]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def say(self, text: str) -> None:
        """Tell the terminal how it goes."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def serving(
        self, peer: Peer, *, routes: int = 100, workers: int = 1
    ) -> AbstractContextManager[Serving]:
        """Start a proxy in a folder of its own."""
        folder = self.folder / f"{peer.name}-{next(self._numbers)}"
        return serving(peer, folder, self.origins, routes=routes, workers=workers)


@contextmanager
def open_session(extent: Extent) -> Iterator[Session]:
    """Start the origin; in the end nothing is left, neither process nor file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running_origin() as origins:
        yield Session(extent=extent, folder=Path(folder), origins=origins)


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one proxy."""

    cpu_us: float | None
    """Per request; None if the round failed."""
    load: LoadResult


def sample(proxy: Serving, plan: LoadPlan) -> Sample:
    """Warm a proxy up, put it under load, and see what each request cost it."""
    with loading(plan) as load:
        before_s = cpu_of_tree_s(proxy.pid)
        result = load.go()
        used_s = cpu_of_tree_s(proxy.pid) - before_s
    if result.fault or not result.requests:
        return Sample(None, result)
    return Sample(used_s / result.requests * 1e6, result)
