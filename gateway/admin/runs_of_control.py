"""`Runs` of a running control: read from its database when somebody asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

from gateway.admin.run_pages import Writing
from gateway.control.ledger_plan import LedgerState
from gateway.parallel_run.report import RunReport
from gateway.state.database import open_database
from gateway.state.run_reports import RunReports


class StoredRuns:
    """The runs in a gateway's database.

    Opened for each question: they are seldom, and an answer is of what is written, by all gateways
    that share it.
    """

    def __init__(self, database_url: str, wall_s: Callable[[], float], ledger: LedgerState) -> None:
        """Take `FIGUEIRA_DATABASE_URL`, what tells the seconds since 1970, and who writes."""
        self._url = database_url
        self._wall_s = wall_s
        self._ledger = ledger

    def writing(self) -> Writing:
        """How what is seen gets into the database."""
        return Writing(**asdict(self._ledger))

    async def names(self) -> list[str]:
        """Runs that anything is known of.

        Raises:
            StartError: The database cannot be read.
        """
        async with self._reports() as reports:
            return await reports.names()

    async def report(
        self, run: str, *, epoch: int | None, top: int, with_examples: bool
    ) -> RunReport | None:
        """The report of a run; None if nothing is known of it, or not of that epoch.

        Raises:
            StartError: The database cannot be read.
        """
        async with self._reports() as reports:
            return await reports.report(
                run, self._wall_s(), epoch=epoch, top=top, with_examples=with_examples
            )

    @asynccontextmanager
    async def _reports(self) -> AsyncIterator[RunReports]:
        database = open_database(self._url)
        try:
            yield RunReports(database)
        finally:
            await database.close()
