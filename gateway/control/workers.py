"""What control knows of the workers: who is there, what each routes by, what all have counted."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.control.channel import Channel
from gateway.control.messages import (
    Accepted,
    GivenUp,
    Linked,
    Message,
    Offered,
    Part,
    Probed,
    Report,
    WorkerName,
)
from gateway.proxy.captured import Captured, LeftOut
from gateway.telemetry.counters import Counters, total, unpack
from gateway.whatif.recent import Recent, Sampled
from gateway.whatif.sightings import Sides


@dataclass(slots=True)
class WorkerState:
    """One worker, as control sees it."""

    index: int
    pid: int
    restarts: int
    channel: Channel | None = None
    is_alive: bool = True
    is_behind: bool = False
    """Whether a revision could not be sent, because the worker did not read."""
    revision: int = 0
    reported: bytes = b""
    """What it has counted, as it came; empty if there is nothing."""

    @property
    def name(self) -> WorkerName:
        """Its own, and never another's."""
        return self.index, self.restarts

    @property
    def counters(self) -> Counters:
        """What it has counted, read anew each time."""
        return unpack(self.reported) if self.reported else Counters()


class TakesTrials(Protocol):
    """Who puts trials through: `gateway.control.trials.engine.Trials`."""

    def offered(self, trials: list[Captured], worker: WorkerName) -> None:
        """Take what a worker hands over."""

    def part(self, worker: WorkerName, part: Part) -> None:
        """Take bytes of a body of an exchange that is not over."""

    def given_up(self, worker: WorkerName, capture_ids: Sequence[int]) -> None:
        """Forget what a worker has given up."""

    def lose(self, worker: WorkerName) -> None:
        """Forget what a worker that is gone had not handed over."""

    def left_out(self, many: list[LeftOut]) -> None:
        """Note what ended in a worker."""

    def handed_over_before(self, offered: Mapping[str, int]) -> None:
        """Note what a worker had handed over before it could reach this control."""

    def told_before(self, told: Mapping[str, int]) -> None:
        """Note of how many requests, by run, a worker had told a control that is gone."""


class Workers:
    """The workers of one `figueira serve`."""

    def __init__(
        self, left: Counters, keep_left: Callable[[Counters], None], trials: TakesTrials
    ) -> None:
        """Know no worker yet.

        Args:
            left: What workers that were gone before had counted.
            trials: Takes what workers hand over.
            keep_left: Called with all that such workers have counted, whenever one more is gone.
        """
        self._by_index: dict[int, WorkerState] = {}
        self._gone = left
        self.trials = trials
        self._keep_left = keep_left
        self._published: Accepted | None = None
        self._probed = Probed({})
        self._reported = asyncio.Event()
        self.sides = Sides()
        """Which customers' new work went where."""
        self.recent = Recent()
        """A sample of the last hour's requests, where ``safety`` wants to know them."""

    def link(self, linked: Linked) -> WorkerState:
        """Note a worker that was just started, in the place of one that may have been there."""
        before = self._by_index.get(linked.index)
        if before is not None:
            self.lose(before)
        worker = WorkerState(linked.index, linked.pid, linked.restarts)
        self._by_index[linked.index] = worker
        return worker

    def reached(self, worker: WorkerState, channel: Channel) -> None:
        """Note that a worker can be talked to, and tell it what to route by."""
        if worker.is_alive:
            worker.channel = channel
            self._tell(worker)

    def lose(self, worker: WorkerState) -> None:
        """Note that a worker is gone: its counts stay, its connections do not."""
        if worker.is_alive:
            worker.is_alive = False
            worker.channel = None
            self._gone.add(worker.counters.without_gauges())
            worker.reported = b""
            self._keep_left(self._gone)
            self.trials.lose(worker.name)
            self._reported.set()

    def heard(self, worker: WorkerState, message: Message) -> None:
        """Take in a worker's report."""
        if isinstance(message, Offered):
            self.trials.offered(message.trials, worker.name)
        elif isinstance(message, Part) and worker.is_alive:
            self.trials.part(worker.name, message)
        elif isinstance(message, GivenUp):
            self.trials.given_up(worker.name, message.capture_ids)
        elif isinstance(message, Report) and worker.is_alive:
            if not worker.revision:
                self.trials.handed_over_before(message.offered)
                self.trials.told_before(_told_before(message))
            self.trials.left_out(message.left_out)
            worker.reported = message.counters
            worker.revision = message.revision
            self.sides.add(message.revision, message.sightings)
            self.recent.add(time.monotonic(), message.sample)
            self._reported.set()
            if worker.is_behind:
                self._tell(worker)

    @property
    def gone(self) -> Counters:
        """What workers that are gone have counted."""
        return self._gone

    def recent_lines(self) -> list[Sampled]:
        """The sample of the last hour's requests."""
        return self.recent.lines(time.monotonic())

    async def wait_for_reports(self, count: int, patience_s: float) -> None:
        """Wait until `count` workers have reported, but no longer than `patience_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while sum(worker.revision > 0 for worker in self._by_index.values()) < count:
                    self._reported.clear()
                    await self._reported.wait()

    async def wait_until_gone(self) -> None:
        """Wait until no worker is alive."""
        while any(worker.is_alive for worker in self._by_index.values()):
            self._reported.clear()
            await self._reported.wait()

    async def wait_until_at(self, revision: Callable[[], int], patience_s: float) -> list[int]:
        """Wait until every worker that is alive routes by a revision.

        Args:
            revision: Asked again after each report: a newer one may take its place meanwhile.
            patience_s: No longer than this.

        Returns:
            The workers that do not route by it, by index; empty if all do.
        """

        def behind() -> list[int]:
            number = revision()
            return [w.index for w in self.all() if w.is_alive and w.revision != number]

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while behind():
                    self._reported.clear()
                    await self._reported.wait()
        return behind()

    def publish(self, accepted: Accepted) -> None:
        """Send a revision to all; who does not read gets it when it reports again."""
        self._published = accepted
        for worker in self._by_index.values():
            self._tell(worker)

    def tell_probed(self, probed: Probed) -> None:
        """Send what probes say to all; who does not read gets it when it reports again."""
        self._probed = probed
        for worker in self._by_index.values():
            if worker.channel is not None and not worker.channel.send(probed):
                worker.is_behind = True

    def _tell(self, worker: WorkerState) -> None:
        if worker.channel is not None and self._published is not None:
            is_told = worker.channel.send(self._published)
            if self._probed.ill:
                is_told = worker.channel.send(self._probed) and is_told
            worker.is_behind = not is_told

    def close(self) -> None:
        """Talk to nobody any more."""
        for worker in self._by_index.values():
            if worker.channel is not None:
                worker.channel.close()

    def all(self) -> list[WorkerState]:
        """Every worker, in order of index."""
        return [self._by_index[index] for index in sorted(self._by_index)]

    def counters(self) -> Counters:
        """What all workers, those gone included, have counted."""
        counters = total([self._gone, *(worker.counters for worker in self._by_index.values())])
        counters.customers = list(self.sides.counts())
        return counters


def _told_before(first: Report) -> dict[str, int]:
    """Of all that a worker has counted, what it tells in its first report to a control is new."""
    told = {run: sum(ended.values()) for run, ended in unpack(first.counters).trials.items()}
    for run, *_, count in first.left_out:
        told[run] -= count
    return told
