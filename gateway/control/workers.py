"""What control knows of the workers: who is there, what each routes by, what all have counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.control.channel import Channel
from gateway.control.messages import Accepted, Linked, Message, Report
from gateway.telemetry.counters import Counters, total


@dataclass(slots=True)
class WorkerState:
    """One worker, as control sees it."""

    index: int
    pid: int
    restarts: int
    channel: Channel | None = None
    is_alive: bool = True
    revision: int = 0
    counters: Counters = field(default_factory=Counters)


class Workers:
    """The workers of one `figueira serve`."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """Call `changed` whenever a worker comes, goes or takes in a revision."""
        self._by_index: dict[int, WorkerState] = {}
        self._gone = Counters()
        self._changed = changed

    def link(self, linked: Linked) -> WorkerState:
        """Note a worker that was just started, in the place of one that may have been there."""
        before = self._by_index.get(linked.index)
        if before is not None:
            self.lose(before)
        worker = WorkerState(linked.index, linked.pid, linked.restarts)
        self._by_index[linked.index] = worker
        return worker

    def lose(self, worker: WorkerState) -> None:
        """Note that a worker is gone: its counts stay, its connections do not."""
        if worker.is_alive:
            worker.is_alive = False
            worker.channel = None
            self._gone.add(worker.counters.without_gauges())
            worker.counters = Counters()
            self._changed()

    def heard(self, worker: WorkerState, message: Message) -> None:
        """Take in a worker's report."""
        if isinstance(message, Report) and worker.is_alive:
            worker.counters = message.counters
            if worker.revision != message.revision:
                worker.revision = message.revision
                self._changed()

    def publish(self, accepted: Accepted) -> None:
        """Send a revision to all."""
        for worker in self._by_index.values():
            if worker.channel is not None:
                worker.channel.send(accepted)

    def all(self) -> list[WorkerState]:
        """Every worker, in order of index."""
        return [self._by_index[index] for index in sorted(self._by_index)]

    def counters(self) -> Counters:
        """What all workers, those gone included, have counted."""
        return total([self._gone, *(worker.counters for worker in self._by_index.values())])
