"""What the ledger of parallel runs works with, and how it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.parallel_run.result import TrialResult
from gateway.state.run_retention import Retention

ExampleMaker = Callable[[TrialResult, str], str]
"""Makes the document of an example of a result, at a place."""


@dataclass(slots=True, kw_only=True)
class LedgerState:
    """How the ledger does, for people and metrics."""

    written: int = 0
    """Trials."""
    shed: int = 0
    """Trials of which only that is counted, for want of room."""
    examples: int = 0
    without_example: int = 0
    """Differences whose bodies there was no room for."""
    failures: int = 0
    """Transactions that failed."""
    fault: str = ""
    """Why nothing can be written now; empty if it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPlan:
    """What a ledger works with."""

    database_url: str
    gateway: str
    """Which one this is, of those that share the database; the same after a restart."""
    started: str = ""
    """Which start of it this is; the same when control alone is replaced."""
    key: bytes
    """The token key: fingerprints in the database are made by it."""
    wall_s: Callable[[], float]
    """Seconds since 1970."""
    draw: Callable[[], float]
    """Even in [0, 1)."""
    make_example: ExampleMaker | None = None
    """None: redacted ones, by the token key and what each run declares (`Kept`)."""
    retention: Retention = field(default_factory=Retention)
