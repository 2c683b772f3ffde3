"""One session of measuring: its origin, its temporary folder, how much of everything."""

from __future__ import annotations

import itertools
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.cases import CASES, Case, LoadPlan
from bench.cpu import cpu_of_tree_s, cpu_s
from bench.load import LoadResult
from bench.peers.field import PEERS, Serving, serving
from bench.peers.peer import Peer
from bench.processes import RunningOrigin, loading, running_origin
from bench.results import Busy

_SETTLE_S = 0.4
"""For what a proxy does later: access lines that it gathers, connections that it closes."""


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
    transfer_mib: int = 1024
    flips: int = 30


QUICK = Extent(rounds=1, scale=0.1, seconds=0.6, transfer_mib=64, flips=5)
"""For seeing that everything works; its numbers say little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One round of one proxy."""

    cpu_us: float | None
    """Per request; None if the round failed."""
    load: LoadResult
    busy: Busy
    opened: int
    """Connections to the origin that were opened under load."""


@dataclass(slots=True, kw_only=True)
class Session:
    """Everything that the measurements share."""

    extent: Extent
    folder: Path
    origin: RunningOrigin
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
        return serving(peer, folder, self.origin.ports, routes=routes, workers=workers)

    def sample(self, proxy: Serving, plan: LoadPlan) -> Sample:
        """Warm a proxy up, put it under load, and see what each request cost it.

        Both times are taken when all is quiet: what the warm-up left to be done is not counted,
        what the requests left to be done is.
        """
        with loading(plan) as load:
            time.sleep(_SETTLE_S)
            accepted = self.origin.accepted()
            began_s, origin_s = cpu_of_tree_s(proxy.pid), cpu_s(self.origin.pid)
            result = load.go()
            proxy_s = cpu_of_tree_s(proxy.pid) - began_s
            origin_s = cpu_s(self.origin.pid) - origin_s
            time.sleep(_SETTLE_S)
            used_s = cpu_of_tree_s(proxy.pid) - began_s
            opened = self.origin.accepted() - accepted
        is_whole = result.requests > 0 and not result.fault
        elapsed_s = result.elapsed_s or 1.0
        return Sample(
            cpu_us=used_s / result.requests * 1e6 if is_whole else None,
            load=result,
            busy=Busy(proxy=proxy_s / elapsed_s, load=result.busy, origin=origin_s / elapsed_s),
            opened=opened,
        )


@contextmanager
def open_session(extent: Extent) -> Iterator[Session]:
    """Start the origin; in the end nothing is left, neither process nor file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running_origin() as origin:
        yield Session(extent=extent, folder=Path(folder), origin=origin)
