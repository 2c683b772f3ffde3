"""What control knows of its workers, when they come, go, hang and report."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from gateway.control import channel as channel_module
from gateway.control.channel import Channel
from gateway.control.messages import (
    Accepted,
    Linked,
    Message,
    Part,
    Probed,
    Report,
    WorkerName,
)
from gateway.control.workers import Workers, WorkerState
from gateway.proxy.captured import Captured, LeftOut
from gateway.telemetry.counters import Counters, pack
from tests.support.counted import AT, counted, requests_in


class Wire(asyncio.Transport):
    """The way to a worker that reads or does not."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self.unsent_bytes = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Count a message."""
        assert data
        self.sent += 1

    def get_write_buffer_size(self) -> int:
        """What waits."""
        return self.unsent_bytes

    def is_closing(self) -> bool:
        """Never here."""
        return False


@pytest.fixture
def kept() -> list[int]:
    """How many requests the supervisor was told that dead workers had served, each time."""
    return []


class NoTrials:
    """Nobody has any."""

    def offered(self, trials: list[Captured], worker: WorkerName) -> None:
        """Never."""
        raise AssertionError(trials, worker)

    def part(self, worker: WorkerName, part: Part) -> None:
        """Never."""
        raise AssertionError(worker, part)

    def given_up(self, worker: WorkerName, capture_ids: Sequence[int]) -> None:
        """Never."""
        raise AssertionError(worker, capture_ids)

    def lose(self, worker: WorkerName) -> None:
        """Of nothing."""

    def left_out(self, many: list[LeftOut]) -> None:
        """Nothing."""
        assert not many

    def told_before(self, told: Mapping[str, int]) -> None:
        """Forget it."""

    def handed_over_before(self, offered: Mapping[str, int]) -> None:
        """Nothing."""
        assert not offered


@pytest.fixture
def workers(kept: list[int]) -> Workers:
    """Control's knowledge at the start; another control had seen workers go."""
    return Workers(counted(100), lambda left: kept.append(requests_in(left)), NoTrials())


def _reach(workers: Workers, index: int = 0, pid: int = 1) -> tuple[WorkerState, Wire]:
    worker, wire = workers.link(Linked(index, pid, 0)), Wire()
    channel = Channel(_ignore)
    channel.connection_made(wire)
    workers.reached(worker, channel)
    return worker, wire


def _ignore(_: Message) -> None:
    pass


def test_counts_of_the_living_and_the_dead_are_one_sum_that_never_falls(
    workers: Workers, kept: list[int]
) -> None:
    """Connections end with their worker, requests were served."""
    first, _ = _reach(workers, 0)
    second, _ = _reach(workers, 1)
    workers.heard(first, Report(1, pack(counted(10))))
    workers.heard(second, Report(1, pack(counted(5))))
    assert requests_in(workers.counters()) == 115
    assert workers.counters().client_connections == 2 + 1  # one is the earlier control's
    workers.lose(first)
    assert requests_in(workers.counters()) == 115
    assert workers.counters().client_connections == 1 + 1
    again, _ = _reach(workers, 0, pid=2)
    workers.heard(again, Report(1, pack(counted(1))))
    assert requests_in(workers.counters()) == 116
    assert kept == [110]


def test_a_worker_is_lost_once_however_it_is_noticed(workers: Workers, kept: list[int]) -> None:
    """Its successor may be known before its link has ended."""
    first, _ = _reach(workers, 0)
    workers.heard(first, Report(1, pack(counted(10))))
    second, _ = _reach(workers, 0, pid=2)
    workers.lose(first)
    workers.heard(first, Report(1, pack(counted(99))))
    assert requests_in(workers.counters()) == 110
    assert [(w.pid, w.is_alive) for w in workers.all()] == [(2, True)]
    assert second.is_alive
    assert kept == [110]


def test_a_worker_that_died_while_it_was_being_reached_stays_dead(workers: Workers) -> None:
    worker = workers.link(Linked(0, 1, 0))
    workers.lose(worker)
    workers.reached(worker, Channel(_ignore))
    assert worker.channel is None


def test_a_worker_is_told_what_to_route_by_when_it_comes_and_when_that_changes(
    workers: Workers,
) -> None:
    early, early_wire = _reach(workers, 0)
    workers.publish(Accepted(1, b"", AT))
    _, late_wire = _reach(workers, 1)
    workers.publish(Accepted(2, b"", AT))
    workers.lose(early)
    workers.publish(Accepted(3, b"", AT))
    assert (early_wire.sent, late_wire.sent) == (2, 3)


def test_a_worker_that_hung_during_a_flip_gets_it_when_it_is_back(workers: Workers) -> None:
    """Otherwise it would route by an old revision for ever."""
    worker, wire = _reach(workers)
    wire.unsent_bytes = channel_module.MAX_UNSENT_BYTES + 1
    workers.publish(Accepted(2, b"", AT))
    workers.heard(worker, Report(1, pack(Counters())))
    assert wire.sent == 0
    wire.unsent_bytes = 0
    workers.heard(worker, Report(1, pack(Counters())))
    workers.heard(worker, Report(2, pack(Counters())))
    assert wire.sent == 1


async def test_first_reports_are_waited_for_but_not_for_ever(workers: Workers) -> None:
    first, _ = _reach(workers, 0)
    second, _ = _reach(workers, 1)
    await workers.wait_for_reports(2, patience_s=0.01)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(workers.wait_for_reports(2, patience_s=60))
        await asyncio.sleep(0)
        workers.heard(first, Report(1, pack(counted(1))))
        await asyncio.sleep(0)
        assert not waiting.done()
        workers.heard(second, Report(1, pack(counted(1))))


def test_what_probes_say_reaches_all_and_whoever_comes_later(workers: Workers) -> None:
    workers.publish(Accepted(1, b"", AT))
    _, early = _reach(workers)
    workers.tell_probed(Probed({"new": {"h:2": True}}))
    _, late = _reach(workers, 1)
    assert (early.sent, late.sent) == (2, 2)


def test_a_worker_that_did_not_read_what_probes_say_gets_it_when_it_is_back(
    workers: Workers,
) -> None:
    worker, wire = _reach(workers)
    workers.publish(Accepted(1, b"", AT))
    wire.unsent_bytes = channel_module.MAX_UNSENT_BYTES + 1
    workers.tell_probed(Probed({"new": {"h:2": True}}))
    assert wire.sent == 1
    wire.unsent_bytes = 0
    workers.heard(worker, Report(1, pack(Counters())))
    assert wire.sent == 3
