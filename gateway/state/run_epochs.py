"""Epochs as rows: found or made when the first result of one comes."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.plan import ParallelRun
from gateway.parallel_run.strata import Stratum
from gateway.state.run_batch import Batch, EpochName
from gateway.state.run_models import EpochRow, ResetRow

_MOST_ROUTES = 50


def plan_text(run: ParallelRun) -> str:
    """A run as the database keeps it: without what its requests carry, which may be secrets."""
    return msgspec.json.encode(replace(run, headers=(), mark_secret="")).decode()


def read_plan(text: str) -> ParallelRun | None:
    """What `plan_text` wrote; None where nobody told."""
    return msgspec.json.decode(text, type=ParallelRun) if text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEpoch:
    """An epoch that is written to."""

    id: int
    run: str
    key: str
    since_s: float
    """Results of before belong to the epoch before the last reset ..."""
    until_s: float | None = field(default=None)
    """... and those from here on to the one after the next."""

    def has(self, run: str, key: str, at_s: float) -> bool:
        """Whether a result belongs to it."""
        return (
            (run, key) == (self.run, self.key)
            and at_s >= self.since_s
            and (self.until_s is None or at_s < self.until_s)
        )

    def left_out(self, batch: Batch) -> Mapping[tuple[Stratum, TrialClass], int]:
        """What the batch counts without saying when: that is of now."""
        return batch.left_out.get((self.run, self.key), {}) if self.until_s is None else {}

    def not_sampled(self, batch: Batch) -> int:
        """The same for requests that were not sampled."""
        return batch.not_sampled.get((self.run, self.key), 0) if self.until_s is None else 0

    @classmethod
    async def newest(cls, connection: AsyncConnection, run: str) -> OpenEpoch | None:
        """The one that was written to last; None if there is none."""
        wanted = (
            select(EpochRow.id, EpochRow.key)
            .where(EpochRow.run == run)
            .order_by(EpochRow.resets.desc(), EpochRow.newest_at_s.desc())
            .limit(1)
        )
        row = (await connection.execute(wanted)).one_or_none()
        return None if row is None else cls(id=row.id, run=run, key=row.key, since_s=0.0)


async def open_epochs(connection: AsyncConnection, batch: Batch) -> list[OpenEpoch]:
    """Every epoch that the batch has something of, made where it is new."""
    resets = await _resets(connection, {run for run, _ in batch.epochs})
    wanted: dict[tuple[str, str, int], None] = {}
    for each in batch.counted:
        entry = each.entry
        number = bisect_right(resets[entry.run], entry.at_s)
        wanted[entry.run, entry.epoch_key, number] = None
    for run, key in [*batch.left_out, *batch.not_sampled]:
        wanted[run, key, len(resets[run])] = None
    return [
        await _open(connection, batch, (run, key), (resets[run][:number], resets[run][number:]))
        for run, key, number in wanted
    ]


async def _resets(connection: AsyncConnection, runs: set[str]) -> dict[str, list[float]]:
    """When each run was begun anew, in order."""
    found: dict[str, list[float]] = defaultdict(list)
    wanted = select(ResetRow.run, ResetRow.at_s).where(ResetRow.run.in_(sorted(runs)))
    for row in (await connection.execute(wanted.order_by(ResetRow.at_s))).all():
        found[row.run].append(row.at_s)
    return found


async def _open(
    connection: AsyncConnection,
    batch: Batch,
    name: EpochName,
    resets: tuple[list[float], list[float]],
) -> OpenEpoch:
    (run, key), (before, after) = name, resets
    columns = (EpochRow.id, EpochRow.plan, EpochRow.routes, EpochRow.not_sampled)
    its = (EpochRow.run == run, EpochRow.key == key, EpochRow.resets == len(before))
    row = (await connection.execute(select(*columns).where(*its))).one_or_none()
    epoch = OpenEpoch(
        id=row.id if row else 0,
        run=run,
        key=key,
        since_s=before[-1] if before else 0.0,
        until_s=after[0] if after else None,
    )
    plan, routes = batch.plans.get(run), _routes(batch, epoch, row.routes if row else "")
    values: dict[str, object] = {
        "newest_at_s": batch.now_s,
        "routes": routes,
        "plan": plan_text(plan) if plan else row.plan if row else "",
        "not_sampled": (row.not_sampled if row else 0) + epoch.not_sampled(batch),
    }
    if row is not None:
        await connection.execute(update(EpochRow).where(EpochRow.id == row.id).values(**values))
        return epoch
    new = insert(EpochRow).values(
        run=run, key=key, resets=len(before), began_at_s=batch.now_s, **values
    )
    made = (await connection.execute(new.returning(EpochRow.id))).scalar_one()
    return replace(epoch, id=made)


def _routes(batch: Batch, epoch: OpenEpoch, known: str) -> str:
    """The names that are known, and those of the batch."""
    names = dict.fromkeys(known.split("\n") if known else [])
    for each in batch.counted:
        entry = each.entry
        if entry.route and epoch.has(entry.run, entry.epoch_key, entry.at_s):
            names[entry.route] = None
    return "\n".join(list(names)[:_MOST_ROUTES])
