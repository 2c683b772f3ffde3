"""A day's budget is one, however often control is replaced within it."""

from __future__ import annotations

from gateway.config import load
from gateway.control.trials.engine import Trials
from gateway.parallel_run.classes import TrialClass
from gateway.proxy.captured import Captured
from tests.support.no_ledger import NoLedger

ROUTES = b"""
version: 1
backends: {old: {url: "http://127.0.0.1:1"}, new: {url: "http://127.0.0.1:2"}}
routes: [{name: all, match: {path_prefix: /}, backend: old, parallel_run: r}]
parallel_runs: {r: {control: old, candidate: new, budget: {per_day: 2}}}
"""
DAY = 20_781
NOON_S = DAY * 86_400 + 43_200.0
CAPTURED = Captured(
    run="r",
    route="all",
    backend="old",
    trace_id="",
    request=b"GET /7 HTTP/1.1\r\nHost: shop\r\n\r\n",
    status=200,
    counts_as=0,
    head=b"HTTP/1.1 200 OK\r\n\r\n",
    lines=[],
    reason=b"OK",
    body=b"",
    ended_at_s=NOON_S,
    duration_s=0.5,
    first_byte_s=0.1,
    failure="",
)
WORKER = (0, 0)


async def test_what_the_control_before_has_taken_of_a_day_is_taken() -> None:
    trials = Trials(lambda: NOON_S, NoLedger(), {})
    trials.go_on({"r": (DAY, 2)})
    trials.follow(load(ROUTES, {}), 1)
    try:
        trials.offered([CAPTURED], WORKER)
        assert trials.sheets({})["r"][TrialClass.OVER_BUDGET] == 1
        assert trials.taken_today() == {"r": (DAY, 2)}
    finally:
        await trials.close()


async def test_what_nobody_has_used_yet_is_told_on_to_the_next_control() -> None:
    """It may not have seen the file yet in which the run is."""
    trials = Trials(lambda: NOON_S, NoLedger(), {})
    trials.go_on({"r": (DAY, 2)})
    assert trials.taken_today() == {"r": (DAY, 2)}
    await trials.close()
