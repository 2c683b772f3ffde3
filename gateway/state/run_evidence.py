"""Reads what is known of parallel runs, while control writes; and an operator's reset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.parallel_run.plan import ParallelRun
from gateway.parallel_run.strata import Stratum
from gateway.parallel_run.tally import Tally
from gateway.state.database import Database
from gateway.state.run_epochs import read_plan
from gateway.state.run_models import EpochRow, ExampleRow, PendingRow, ResetRow, StratumRow
from gateway.state.run_tallies import tally_of


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochFacts:
    """What is known of an epoch beside its evidence."""

    id: int
    run: str
    key: str
    resets: int
    began_at_s: float
    newest_at_s: float
    """When its newest result was written."""
    plan: ParallelRun | None
    """None if nobody told."""
    routes: tuple[str, ...]
    not_sampled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """An operator's word that evidence begins anew."""

    at_s: float
    because: str
    author: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What is known of a run at one moment."""

    epochs: tuple[EpochFacts, ...]
    """The one at hand first: that which was written to last, of those since the last reset."""
    tallies: Mapping[Stratum, Tally]
    """Of the epoch at hand."""
    pending: int
    resets: tuple[Reset, ...]
    """The newest first."""
    examples: Mapping[Stratum, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """Stratum -> place -> documents as JSON, if they were asked for."""


class RunEvidence:
    """What is known of parallel runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def runs(self) -> list[str]:
        """The names of those that anything is known of.

        Raises:
            StartError: The database cannot be read.
        """
        async with self._database.read() as connection:
            wanted = select(EpochRow.run).distinct().order_by(EpochRow.run)
            return list((await connection.execute(wanted)).scalars())

    async def load(
        self, run: str, epoch: int | None = None, *, with_examples: bool
    ) -> Loaded | None:
        """What is known of a run; None if there is nothing.

        Args:
            run: Its name.
            epoch: Which epoch is at hand; None for the present one.
            with_examples: Whether to read examples as well.

        Raises:
            StartError: The database cannot be read.
        """
        async with self._database.read() as connection:
            epochs = await _epochs(connection, run, epoch)
            if not epochs:
                return None
            ids, tallies = await _tallies(connection, epochs[0].id)
            pending = select(func.sum(PendingRow.pending)).where(PendingRow.run == run)
            return Loaded(
                epochs=epochs,
                tallies=tallies,
                pending=int((await connection.execute(pending)).scalar_one() or 0),
                resets=await _resets(connection, run),
                examples=await _examples(connection, ids) if with_examples else {},
            )

    async def reset(self, run: str, at: datetime, because: str, author: str | None) -> int:
        """Begin evidence anew: trials that begin from now on are of another epoch.

        Returns:
            How often that was done for this run, this time counted.

        Raises:
            StartError: The database cannot be written.
        """
        async with self._database.write() as connection:
            await connection.execute(
                insert(ResetRow).values(
                    run=run, at_s=at.timestamp(), because=because, author=author
                )
            )
            wanted = select(func.count()).select_from(ResetRow).where(ResetRow.run == run)
            return (await connection.execute(wanted)).scalar_one()


async def _epochs(
    connection: AsyncConnection, run: str, epoch: int | None
) -> tuple[EpochFacts, ...]:
    resets = select(func.count()).select_from(ResetRow).where(ResetRow.run == run)
    present = (await connection.execute(resets)).scalar_one()
    wanted = select(EpochRow.__table__).where(EpochRow.run == run)
    newest = EpochRow.resets.desc(), EpochRow.newest_at_s.desc()
    facts = [_facts(row) for row in (await connection.execute(wanted.order_by(*newest))).all()]
    if epoch is not None:
        facts = [each for each in facts if each.id == epoch]
    elif facts and facts[0].resets < present:
        facts.insert(0, _nothing_yet(facts[0], present))
    return tuple(facts)


def _nothing_yet(last: EpochFacts, resets: int) -> EpochFacts:
    """An epoch that an operator has begun, and no trial is of yet."""
    return EpochFacts(
        id=0,
        run=last.run,
        key="",
        resets=resets,
        began_at_s=last.newest_at_s,
        newest_at_s=last.newest_at_s,
        plan=last.plan,
        routes=last.routes,
        not_sampled=0,
    )


def _facts(row: Row[Any]) -> EpochFacts:
    return EpochFacts(
        id=row.id,
        run=row.run,
        key=row.key,
        resets=row.resets,
        began_at_s=row.began_at_s,
        newest_at_s=row.newest_at_s,
        plan=read_plan(row.plan),
        routes=tuple(row.routes.split("\n")) if row.routes else (),
        not_sampled=row.not_sampled,
    )


async def _tallies(
    connection: AsyncConnection, epoch: int
) -> tuple[dict[int, Stratum], dict[Stratum, Tally]]:
    ids: dict[int, Stratum] = {}
    tallies: dict[Stratum, Tally] = {}
    wanted = select(StratumRow.__table__).where(StratumRow.epoch_id == epoch)
    for row in (await connection.execute(wanted)).all():
        stratum = ids[row.id] = Stratum(row.method, row.template, row.status)
        tallies[stratum] = tally_of(row)
    return ids, tallies


async def _resets(connection: AsyncConnection, run: str) -> tuple[Reset, ...]:
    wanted = select(ResetRow.at_s, ResetRow.because, ResetRow.author).where(ResetRow.run == run)
    rows = (await connection.execute(wanted.order_by(ResetRow.at_s.desc()))).all()
    return tuple(Reset(at_s=row.at_s, because=row.because, author=row.author) for row in rows)


async def _examples(
    connection: AsyncConnection, ids: Mapping[int, Stratum]
) -> dict[Stratum, dict[str, list[str]]]:
    found: dict[Stratum, dict[str, list[str]]] = {}
    wanted = select(ExampleRow.stratum_id, ExampleRow.place, ExampleRow.document)
    mine = wanted.where(ExampleRow.stratum_id.in_(list(ids)))
    ordered = mine.order_by(ExampleRow.stratum_id, ExampleRow.place, ExampleRow.at_s.desc())
    for row in (await connection.execute(ordered)).all():
        of_stratum = found.setdefault(ids[row.stratum_id], {})
        of_stratum.setdefault(row.place, []).append(row.document)
    return found
