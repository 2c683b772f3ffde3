"""What is forgotten of parallel runs, and when: by age, and by how much there is."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.state.database import Database
from gateway.state.run_models import EpochRow, ExampleRow, FingerprintRow, ResetRow, StratumRow

DAY_S = 86_400.0
_AT_ONCE = 10_000
"""Rows that are deleted in a transaction: some tens of milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long what is kept."""

    examples_s: float = 14 * DAY_S
    """Of every epoch: bodies, even redacted, are kept as short as they serve."""
    past_s: float = 90 * DAY_S
    """Counts of epochs that nothing is added to any more."""
    epochs: int = 20
    """Of a run; the oldest are forgotten first."""
    requests: int = 2_000_000
    """Distinct requests in all; epochs that are over are forgotten until there are no more, the
    oldest first. Those of present epochs are bounded by `gateway.parallel_run.admission`."""


@dataclass(slots=True, kw_only=True)
class Forgotten:
    """What was."""

    epochs: int = 0
    examples: int = 0
    requests: int = 0


async def forget(database: Database, retention: Retention, now_s: float) -> Forgotten:
    """Forget what is due, in transactions that are short.

    Raises:
        StartError: The database cannot be written; what was forgotten before that is.
    """
    done = Forgotten()
    async with database.write() as connection:
        old = delete(ExampleRow).where(ExampleRow.at_s < now_s - retention.examples_s)
        done.examples = (await connection.execute(old)).rowcount
    async with database.read() as connection:
        over, surplus = await _epochs(connection, retention, now_s)
        remembered = select(func.count()).select_from(FingerprintRow)
        too_many = (await connection.execute(remembered)).scalar_one() - retention.requests
    for epoch in surplus:
        await _forget_epoch(database, epoch, done)
    for epoch in over:
        # Whole: were its counts left, a candidate that comes back would count its requests twice.
        if done.requests >= too_many:
            break
        await _forget_epoch(database, epoch, done)
    await _forget_resets(database)
    return done


async def _epochs(
    connection: AsyncConnection, retention: Retention, now_s: float
) -> tuple[list[int], list[int]]:
    """Epochs that are over, the oldest first; and those that are to be forgotten."""
    newest = EpochRow.resets.desc(), EpochRow.newest_at_s.desc()
    wanted = select(EpochRow.id, EpochRow.run, EpochRow.newest_at_s).order_by(*newest)
    over, surplus, seen = [], [], dict[str, int]()
    for row in (await connection.execute(wanted)).all():
        place = seen[row.run] = seen.get(row.run, 0) + 1
        if place > retention.epochs or row.newest_at_s < now_s - retention.past_s:
            surplus.append(row.id)
        elif place > 1:
            over.append((row.newest_at_s, row.id))
    return [epoch for _, epoch in sorted(over)], surplus


async def _forget_epoch(database: Database, epoch: int, done: Forgotten) -> None:
    """Forget an epoch and all that is of it, its distinct requests a few at a time."""
    strata = select(StratumRow.id).where(StratumRow.epoch_id == epoch)
    async with database.read() as connection:
        ids = list((await connection.execute(strata)).scalars())
    for stratum in ids:
        mine = FingerprintRow.stratum_id == stratum
        some = select(FingerprintRow.fingerprint).where(mine).limit(_AT_ONCE)
        gone = _AT_ONCE
        while gone == _AT_ONCE:
            async with database.write() as connection:
                chosen = FingerprintRow.fingerprint.in_(some)
                found = await connection.execute(delete(FingerprintRow).where(mine, chosen))
            gone = found.rowcount
            done.requests += gone
    async with database.write() as connection:
        await connection.execute(delete(EpochRow).where(EpochRow.id == epoch))
    done.epochs += 1


async def _forget_resets(database: Database) -> None:
    """Forget those of runs of which nothing is known any more."""
    async with database.write() as connection:
        runs = select(EpochRow.run)
        await connection.execute(delete(ResetRow).where(ResetRow.run.not_in(runs)))
