"""Writes what happens in parallel runs: a batch of trials in one transaction.

What is folded is read, folded on and written again while no other writer is at it, so that several
gateways on one database count together. A batch is written whole or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete, false, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.entry import TOO_MANY
from gateway.parallel_run.reservoir import MOST_OF_EPOCH, MOST_PLACES_OF_ONE, slot
from gateway.parallel_run.strata import Stratum
from gateway.parallel_run.tally import ELSEWHERE, AtPlace, Tally
from gateway.state.database import Database
from gateway.state.run_batch import Batch, Chosen, Counted, Recovered, Written
from gateway.state.run_epochs import OpenEpoch, open_epochs
from gateway.state.run_fingerprints import Requests
from gateway.state.run_models import ExampleRow, PendingRow, StratumRow
from gateway.state.run_tallies import columns_of, tally_of

MOST_STRATA = 400
"""Of an epoch: two hundred templates and what methods and statuses make of them."""
LOST_AFTER_S = 3600.0
"""A gateway that has written nothing for so long is gone, and what it had begun is lost."""


class RunLedger:
    """The parallel runs in a database whose tables are up to date."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, batch: Batch) -> Written:
        """Fold a batch into what is known, all or nothing.

        Returns:
            What came of it: the trials to keep as examples, by `keep_examples`, and more.

        Raises:
            StartError: The database cannot be written; nothing of the batch is.
        """
        chosen: list[Chosen] = []
        async with self._database.write() as connection:
            for epoch in await open_epochs(connection, batch):
                strata = await _Strata.of(connection, epoch)
                chosen += await strata.fold(batch, epoch)
                await strata.save()
            lost = {
                run: count
                for run, count in batch.lost.items()
                if await _lose(connection, run, count)
            }
            await _keep_pending(connection, batch, lost)
        return Written(chosen=chosen, lost=lost)

    async def keep_examples(self, examples: Iterable[tuple[Chosen, float, str]]) -> None:
        """Keep documents in the places that were chosen for them.

        Args:
            examples: Each with when it was, seconds since 1970, and its text.

        Raises:
            StartError: The database cannot be written.
        """
        async with self._database.write() as connection:
            for chosen, at_s, document in examples:
                place = (
                    ExampleRow.stratum_id == chosen.stratum_id,
                    ExampleRow.place == chosen.place,
                    ExampleRow.slot == chosen.slot,
                )
                await connection.execute(delete(ExampleRow).where(*place))
                # The stratum may have been deleted meanwhile.
                still = select(StratumRow.id).where(StratumRow.id == chosen.stratum_id)
                if (await connection.execute(still)).scalar_one_or_none() is None:
                    continue
                await connection.execute(
                    insert(ExampleRow).values(
                        stratum_id=chosen.stratum_id,
                        place=chosen.place,
                        slot=chosen.slot,
                        at_s=at_s,
                        document=document,
                    )
                )

    async def recover(self, gateway: str, now_s: float, started: str = "") -> Recovered:
        """Count as lost what this gateway had begun when it died, and what vanished ones had.

        Args:
            gateway: Which one.
            now_s: Seconds since 1970.
            started: Which start of it: what an earlier process of the same start had begun is not
                lost yet, as workers may know more of it. Empty where nobody knows.

        Raises:
            StartError: The database cannot be written.
        """
        is_known = PendingRow.started == started if started else false()
        mine = (PendingRow.gateway == gateway) & is_known
        gone = ~mine & (
            (PendingRow.gateway == gateway) | (PendingRow.heard_at_s < now_s - LOST_AFTER_S)
        )
        lost: dict[str, int] = defaultdict(int)
        async with self._database.write() as connection:
            rows = await connection.execute(select(PendingRow.run, PendingRow.pending).where(gone))
            for row in rows.all():
                lost[row.run] += row.pending
            for run, count in lost.items():
                await _lose(connection, run, count)
            await connection.execute(delete(PendingRow).where(gone))
            known = select(PendingRow.run, PendingRow.accounted).where(mine)
            accounted = {row.run: row.accounted for row in (await connection.execute(known)).all()}
        return Recovered(lost=dict(lost), accounted=accounted)


async def _keep_pending(connection: AsyncConnection, batch: Batch, lost: Mapping[str, int]) -> None:
    for run in {**batch.accounted, **batch.pending}:
        mine = (PendingRow.run == run, PendingRow.gateway == batch.gateway)
        values = {
            "pending": batch.pending.get(run, 0),
            "started": batch.started,
            "accounted": batch.accounted.get(run, 0) + lost.get(run, 0),
            "heard_at_s": batch.now_s,
        }
        found = await connection.execute(update(PendingRow).where(*mine).values(**values))
        if not found.rowcount:
            new = insert(PendingRow).values(run=run, gateway=batch.gateway, **values)
            await connection.execute(new)


async def _lose(connection: AsyncConnection, run: str, count: int) -> bool:
    """Count requests as lost, in the strata that the run's newest epoch is made of.

    Nobody knows which they were; they are taken to have been as the others are.

    Returns:
        Whether there is an epoch that has strata.
    """
    epoch = await OpenEpoch.newest(connection, run)
    if epoch is None or not count:
        return False
    strata = await _Strata.of(connection, epoch)
    ids = await strata.all()
    strata.spread(TrialClass.LOST, count, ids)
    await strata.save()
    return bool(ids)


class _Strata:
    """The strata of one epoch, within a transaction."""

    def __init__(self, connection: AsyncConnection, epoch: OpenEpoch) -> None:
        self._connection = connection
        self._epoch = epoch
        self._ids: dict[Stratum, int] = {}
        self._tallies: dict[int, Tally] = {}
        self._remembered = 0
        """Distinct requests of the whole epoch."""
        self._examples: set[tuple[int, str, int]] | None = None

    @classmethod
    async def of(cls, connection: AsyncConnection, epoch: OpenEpoch) -> _Strata:
        """Those there are."""
        strata = cls(connection, epoch)
        wanted = select(
            StratumRow.id,
            StratumRow.method,
            StratumRow.template,
            StratumRow.status,
            StratumRow.distinct_requests,
        ).where(StratumRow.epoch_id == epoch.id)
        for row in (await connection.execute(wanted)).all():
            strata._ids[Stratum(row.method, row.template, row.status)] = row.id
            strata._remembered += row.distinct_requests
        return strata

    async def all(self) -> list[int]:
        """Every stratum's id, its tally at hand."""
        await self._load(self._ids.values())
        return list(self._ids.values())

    async def fold(self, batch: Batch, epoch: OpenEpoch) -> list[Chosen]:
        """Take what the batch has of this epoch."""
        mine: dict[int, list[int]] = defaultdict(list)
        for index, each in enumerate(batch.counted):
            if epoch.has(each.entry.run, each.entry.epoch_key, each.entry.at_s):
                mine[await self._id(each.entry.stratum)].append(index)
        others: list[tuple[int, TrialClass, int]] = [
            (await self._id(stratum), became, count)
            for (stratum, became), count in epoch.left_out(batch).items()
        ]
        await self._load([*mine, *(stratum_id for stratum_id, _, _ in others)])
        for stratum_id, became, count in others:
            self._tallies[stratum_id].count(became, count)
        chosen: list[Chosen] = []
        for stratum_id, indices in mine.items():
            chosen += await self._fold_one(stratum_id, indices, batch.counted)
        return chosen

    async def _fold_one(
        self, stratum_id: int, indices: Sequence[int], counted: Sequence[Counted]
    ) -> list[Chosen]:
        tally = self._tallies[stratum_id]
        requests = await Requests.of(
            self._connection, stratum_id, (counted[index].fingerprint for index in indices)
        )
        chosen: list[Chosen] = []
        for index in indices:
            each, before = counted[index], tally.distinct
            known = requests.get(each.fingerprint)
            known = tally.fold(each.entry, each.fingerprint, known, self._remembered)
            self._remembered += tally.distinct - before
            if each.entry.is_compared:
                requests.set(each.fingerprint, known)
            chosen += await self._choose(index, each, stratum_id)
        await requests.save()
        return chosen

    async def _choose(self, index: int, each: Counted, stratum_id: int) -> list[Chosen]:
        if not each.has_material:
            return []
        chosen, known = [], self._tallies[stratum_id].places
        places = dict.fromkeys(found.place for found in each.entry.found if found.place in known)
        for place in _in_turn(list(places), known):
            at = slot(known[place].trials, each.draw)
            if place == ELSEWHERE or at is None or not await self._has_room(stratum_id, place, at):
                continue
            chosen.append(Chosen(index=index, stratum_id=stratum_id, place=place, slot=at))
        return chosen

    async def _has_room(self, stratum_id: int, place: str, at: int) -> bool:
        if self._examples is None:
            wanted = (
                select(ExampleRow.stratum_id, ExampleRow.place, ExampleRow.slot)
                .join(StratumRow, StratumRow.id == ExampleRow.stratum_id)
                .where(StratumRow.epoch_id == self._epoch.id)
            )
            rows = (await self._connection.execute(wanted)).all()
            self._examples = {(row.stratum_id, row.place, row.slot) for row in rows}
        key = stratum_id, place, at
        if key not in self._examples and len(self._examples) >= MOST_OF_EPOCH:
            return False
        self._examples.add(key)
        return True

    async def _id(self, stratum: Stratum) -> int:
        if stratum not in self._ids and len(self._ids) >= MOST_STRATA:
            stratum = Stratum(TOO_MANY.method, TOO_MANY.template, stratum.status)
        found = self._ids.get(stratum)
        if found is None:
            new = insert(StratumRow).values(
                epoch_id=self._epoch.id,
                method=stratum.method,
                template=stratum.template,
                status=stratum.status,
                **columns_of(Tally()),
            )
            made = await self._connection.execute(new.returning(StratumRow.id))
            found = self._ids[stratum] = made.scalar_one()
            self._tallies[found] = Tally()
        return found

    async def _load(self, ids: Iterable[int]) -> None:
        missing = sorted(set(ids) - self._tallies.keys())
        if missing:
            wanted = select(StratumRow.__table__).where(StratumRow.id.in_(missing))
            for row in (await self._connection.execute(wanted)).all():
                self._tallies[row.id] = tally_of(row)

    def spread(self, became: TrialClass, count: int, ids: Sequence[int]) -> None:
        """Share requests of a class out by the trials that each stratum has."""
        weights = [self._tallies[each].classes.total() for each in ids]
        total, given, seen = sum(weights), 0, 0
        for stratum_id, weight in zip(ids, weights, strict=True):
            seen += weight
            upto = round(count * seen / total) if total else count
            self._tallies[stratum_id].count(became, upto - given)
            given = upto

    async def save(self) -> None:
        """Write every tally that was looked at."""
        for stratum_id, tally in self._tallies.items():
            new = update(StratumRow).where(StratumRow.id == stratum_id)
            await self._connection.execute(new.values(**columns_of(tally)))


async def count_rows(database: Database, table: type[StratumRow] | type[ExampleRow]) -> int:
    """How many rows a table has."""
    async with database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


def _in_turn(places: list[str], known: Mapping[str, AtPlace]) -> list[str]:
    """Some of a trial's places: others with each, so that none is left without an example."""
    if len(places) <= MOST_PLACES_OF_ONE:
        return places
    start = known[places[0]].trials * MOST_PLACES_OF_ONE % len(places)
    return [*places[start:], *places[:start]][:MOST_PLACES_OF_ONE]
