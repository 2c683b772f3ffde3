"""Reports of parallel runs, read from the database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, inspect

from gateway.parallel_run.examples import Example, read_example
from gateway.parallel_run.plan import ParallelRun
from gateway.parallel_run.report import ResetReport, RunReport
from gateway.parallel_run.reporting import EpochKnown, RunKnown, moment, report_of
from gateway.state.database import Database
from gateway.state.run_evidence import Loaded, RunEvidence
from gateway.state.run_models import EpochRow

TOP = 10
"""Differences in a report, unless more are asked for."""
MOST_TOP = 1_000


class RunReports:
    """What is told of the runs in a database; nothing is written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def names(self) -> list[str]:
        """Runs that anything is known of.

        Raises:
            StartError: The database cannot be read.
        """
        if not await self._has_tables():
            return []
        return await RunEvidence(self._database).runs()

    async def report(
        self,
        run: str,
        now_s: float,
        *,
        epoch: int | None = None,
        top: int = TOP,
        with_examples: bool = True,
    ) -> RunReport | None:
        """The report of a run; None if nothing is known of it, or not of that epoch.

        Raises:
            StartError: The database cannot be read.
        """
        if not await self._has_tables():
            return None
        loaded = await RunEvidence(self._database).load(run, epoch, with_examples=with_examples)
        if loaded is None:
            return None
        # Hundreds of kinds of requests take tenths of a second to judge.
        return await asyncio.to_thread(report_of, known_of(loaded), now_s, top)

    async def examples(self, run: str, epoch: int | None = None) -> list[str] | None:
        """Every example of an epoch as JSON, by kind of request and place; None as above.

        Raises:
            StartError: The database cannot be read.
        """
        if not await self._has_tables():
            return None
        loaded = await RunEvidence(self._database).load(run, epoch, with_examples=True)
        if loaded is None:
            return None
        return [
            document
            for _, places in sorted(loaded.examples.items())
            for _, documents in sorted(places.items())
            for document in documents
        ]

    async def _has_tables(self) -> bool:
        """Whether a gateway that keeps parallel runs has ever used it."""

        def look(connection: Connection) -> bool:
            return inspect(connection).has_table(EpochRow.__tablename__)

        async with self._database.read() as connection:
            return await connection.run_sync(look)


def known_of(loaded: Loaded) -> RunKnown:
    """What a report is made of."""
    first = loaded.epochs[0]
    plan = first.plan or ParallelRun(name=first.run, control="", candidate="", sample=0)
    return RunKnown(
        plan=plan,
        epochs=[
            EpochKnown(
                number=each.id,
                key=each.key,
                began_at_s=each.began_at_s,
                newest_at_s=each.newest_at_s,
                resets=each.resets,
            )
            for each in loaded.epochs
        ],
        tallies=loaded.tallies,
        pending=loaded.pending,
        not_sampled=first.not_sampled,
        routes=first.routes,
        resets=tuple(
            ResetReport(at=moment(each.at_s), because=each.because, author=each.author)
            for each in loaded.resets
        ),
        examples={stratum: _read(places) for stratum, places in loaded.examples.items()},
    )


def _read(places: Mapping[str, Sequence[str]]) -> dict[str, list[Example]]:
    return {place: [read_example(each) for each in many] for place, many in places.items()}
