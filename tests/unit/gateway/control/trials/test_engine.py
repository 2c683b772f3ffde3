"""What is counted before the first trial has told which build it is evidence of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from gateway.config import load
from gateway.control.trials.engine import Trials
from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.result import TrialResult
from gateway.parallel_run.strata import Stratum
from gateway.proxy.captured import Captured
from tests.support.no_ledger import NoLedger

ROUTES = b"""
version: 1
backends: {legacy: {url: "http://127.0.0.1:1"}, new: {url: "http://127.0.0.1:1"}}
routes: [{name: all, match: {path_prefix: /}, backend: legacy, parallel_run: trial}]
parallel_runs: {trial: {control: legacy, candidate: new, build_header: X-Build}}
"""
ASKED = b"GET /images/7 HTTP/1.1\r\nHost: shop.test\r\n\r\n"


class Sink(NoLedger):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.has_ended = asyncio.Event()

    def ended(self, result: TrialResult) -> None:
        """A trial."""
        self.told.append(result.became.value)

    def left_out(
        self, run: str, epoch_key: str, uncompared: Mapping[tuple[Stratum, TrialClass], int]
    ) -> None:
        """Counts."""
        del run, epoch_key
        self.told += [became.value for (_, became) in uncompared]
        self.has_ended.set()

    def not_sampled(self, run: str, epoch_key: str, count: int) -> None:
        """A count."""
        del run, epoch_key
        self.told.append(f"not_sampled {count}")


def captured() -> Captured:
    """An exchange with the control."""
    now_s = time.time()  # noqa: TID251 - as a worker's clock says
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    times = (now_s, 0.01, 0.01)
    return Captured("trial", "all", "legacy", "", ASKED, 200, 0, head, [], b"OK", b"{}", *times, "")


async def test_counts_wait_for_the_first_trial_that_the_candidate_was_asked_in() -> None:
    """Or they would open evidence of a build without a name each time that control begins."""
    sink = Sink()
    trials = Trials(time.time, sink, {})  # noqa: TID251 - control's own
    trials.follow(load(ROUTES), 1)
    trials.left_out([("trial", "GET", "/images/{id}", 2, "too_large", 2)])
    trials.left_out(
        [("trial", "", "", 0, "not_sampled", 5), ("trial", "", "", 0, "not_sampled", 4)]
    )
    assert sink.told == []
    trials.offered([captured()], (0, 0))
    async with asyncio.timeout(5):
        await sink.has_ended.wait()
    await trials.close()
    assert sink.told[0] == "candidate_failed"
    assert set(sink.told[1:]) <= {"too_large", "not_sampled 9"}
