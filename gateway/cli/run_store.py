"""Parallel runs in the gateway's database, read and reset by commands; no gateway need run."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from sqlalchemy import make_url

from gateway.errors import GatewayError
from gateway.parallel_run.report import RunReport
from gateway.settings import read_settings
from gateway.state.database import Database, open_database
from gateway.state.run_evidence import RunEvidence
from gateway.state.run_reports import RunReports

Found = TypeVar("Found")


class UnknownRunError(GatewayError):
    """Nothing is known of a run; the message names those of which something is."""

    def __init__(self, run: str, known: list[str]) -> None:
        close = get_close_matches(run, known, 1)
        if close:
            hint = f'did you mean "{close[0]}"?'
        elif known:
            hint = f"there is evidence of {', '.join(known)}"
        else:
            hint = "no parallel run has compared anything yet"
        super().__init__(f'nothing is known of a parallel run "{run}"; {hint}')


class UnknownEpochError(GatewayError):
    """There is no such epoch."""


def now_s() -> float:
    """Seconds since 1970."""
    return time.time()  # noqa: TID251 - where a command's clock is


def names() -> list[str]:
    """Runs of which anything is known."""
    return _run(lambda database: RunReports(database).names(), [])


def report(run: str, *, epoch: int | None, top: int) -> RunReport:
    """The report of a run.

    Raises:
        UnknownRunError: Nothing is known of it.
        UnknownEpochError: It has no such epoch.
        StartError: The database cannot be read.
    """

    async def read(database: Database) -> RunReport | None:
        return await RunReports(database).report(run, now_s(), epoch=epoch, top=top)

    found = _run(read, None)
    if found is None:
        raise _unknown(run, epoch)
    return found


def examples(run: str, *, epoch: int | None) -> list[str]:
    """Every example of a run's epoch, as lines of JSON; raises as `report`."""
    found = _run(lambda database: RunReports(database).examples(run, epoch), None)
    if found is None:
        raise _unknown(run, epoch)
    return found


def reset(run: str, because: str, author: str) -> int:
    """Begin a run's evidence anew; how often that was done for it.

    Raises:
        UnknownRunError: There is none.
        StartError: The database cannot be written.
    """
    known = names()
    if run not in known:
        raise UnknownRunError(run, known)
    at = datetime.fromtimestamp(now_s(), UTC)
    return _run(lambda database: RunEvidence(database).reset(run, at, because, author), 0)


def _unknown(run: str, epoch: int | None) -> GatewayError:
    known = names()
    if run in known:
        return UnknownEpochError(
            f"{run} has no epoch {epoch}; figueira evidence list {run} names those there are"
        )
    return UnknownRunError(run, known)


def _run(work: Callable[[Database], Awaitable[Found]], empty: Found) -> Found:
    """Work on the database of the settings; `empty` where there is none yet."""
    url = read_settings(os.environ, {}).database_url
    if url.startswith("sqlite"):
        file = make_url(url).database or ""
        # Opening would make the file, which is for a gateway to do.
        if not file.startswith("file:") and not Path(file).exists():
            return empty

    async def run() -> Found:
        database = open_database(url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
