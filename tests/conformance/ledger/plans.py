"""A ledger's plan, light: for processes that start often."""

from __future__ import annotations

from gateway.control.ledger_plan import LedgerPlan
from gateway.parallel_run.result import TrialResult
from tests.support.trials import NOW_S


def example(trial: TrialResult, place: str) -> str:
    """The smallest document."""
    return f'{{"at":{trial.at_s},"place":"{place}"}}'


def plan(url: str) -> LedgerPlan:
    """For a database."""
    return LedgerPlan(
        database_url=url,
        gateway="one",
        key=b"k" * 32,
        wall_s=lambda: NOW_S,
        draw=lambda: 0.5,
        make_example=example,
    )
