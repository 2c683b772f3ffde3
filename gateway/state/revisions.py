"""Every routes.yaml that was accepted, numbered; and what was refused between them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select

from gateway.config.line_diff import line_diff
from gateway.state.database import Database
from gateway.state.kept import UNKNOWN, Origin, Refusal, RevisionFacts, StoredRevision
from gateway.state.models import RefusalRow, RevisionRow

_Columns = tuple[Any, ...]
"""The rows' attributes are typed where they are given names: `RevisionFacts`, `Refusal`."""
_KEPT_REFUSALS = 1_000
"""A script that writes a bad file each minute must not fill the disk."""
_DIFF_LIMIT = 64 * 1024
"""Characters of a difference that are kept; of a larger one, the two texts are there anyway."""
_ORIGIN = (RevisionRow.author, RevisionRow.how, RevisionRow.restores)
_FACTS = (RevisionRow.number, RevisionRow.accepted_at, RevisionRow.digest, *_ORIGIN)
_BY_NUMBER = RevisionRow.number.desc()


class Revisions:
    """The revisions in a database whose tables are up to date."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, digest: str, text: bytes, at: datetime, origin: Origin = UNKNOWN) -> int:
        """Keep a routes.yaml, unless it is the one kept last.

        Two gateways accepting the same file at once agree on one number.

        Args:
            digest: SHA-256 of `text`, 64 hexadecimal digits.
            text: The file's bytes.
            at: When it was accepted, timezone-aware.
            origin: Who made it, and how.

        Returns:
            The number of the new revision, or of the latest one if that has the same digest.

        Raises:
            StartError: The database cannot be written.
        """
        latest = select(RevisionRow.number, RevisionRow.digest, RevisionRow.text)
        async with self._database.write() as connection:
            row = (await connection.execute(_newest(latest))).one_or_none()
            if row is not None and row.digest == digest:
                number: int = row.number
                return number
            new = insert(RevisionRow).values(
                accepted_at=at,
                digest=digest,
                text=text,
                author=origin.author,
                how=origin.how,
                restores=origin.restores,
                diff=_diff(row.text, text) if row is not None else None,
            )
            return (await connection.execute(new.returning(RevisionRow.number))).scalar_one()

    async def refuse(self, refusal: Refusal) -> None:
        """Keep that a file was refused, unless that is what was kept last; the oldest are dropped.

        Raises:
            StartError: The database cannot be written.
        """
        async with self._database.write() as connection:
            latest = select(RefusalRow.digest, RefusalRow.problem).order_by(RefusalRow.id.desc())
            row = (await connection.execute(latest.limit(1))).one_or_none()
            if row is not None and (row.digest, row.problem) == (refusal.digest, refusal.problem):
                return
            new = insert(RefusalRow).values(
                refused_at=refusal.refused_at,
                digest=refusal.digest,
                author=refusal.origin.author,
                how=refusal.origin.how,
                problem=refusal.problem,
                problems=refusal.problems,
            )
            number = (await connection.execute(new.returning(RefusalRow.id))).scalar_one()
            old = delete(RefusalRow).where(RefusalRow.id <= number - _KEPT_REFUSALS)
            await connection.execute(old)

    async def latest(self) -> StoredRevision | None:
        """The revision accepted last; None before the first.

        Raises:
            StartError: The database cannot be read.
        """
        return await self._one(_newest(_stored()))

    async def get(self, number: int) -> StoredRevision | None:
        """A revision by its number; None if there is none.

        Raises:
            StartError: The database cannot be read.
        """
        return await self._one(_stored().where(RevisionRow.number == number))

    async def before(self, number: int | None, limit: int) -> list[RevisionFacts]:
        """The newest revisions, those with smaller numbers than `number` unless it is None.

        Returns:
            At most `limit`, the newest first.

        Raises:
            StartError: The database cannot be read.
        """
        wanted = select(*_FACTS, RevisionRow.diff).order_by(_BY_NUMBER).limit(limit)
        if number is not None:
            wanted = wanted.where(RevisionRow.number < number)
        async with self._database.read() as connection:
            return [_facts(row) for row in (await connection.execute(wanted)).all()]

    async def refusals(self, limit: int) -> list[Refusal]:
        """The newest refusals, the newest first.

        Raises:
            StartError: The database cannot be read.
        """
        wanted = select(
            RefusalRow.refused_at,
            RefusalRow.digest,
            RefusalRow.author,
            RefusalRow.how,
            RefusalRow.problem,
            RefusalRow.problems,
        ).order_by(RefusalRow.id.desc())
        async with self._database.read() as connection:
            rows = (await connection.execute(wanted.limit(limit))).all()
        return [
            Refusal(
                refused_at=row.refused_at,
                digest=row.digest,
                origin=Origin(author=row.author, how=row.how),
                problem=row.problem,
                problems=row.problems,
            )
            for row in rows
        ]

    async def _one(self, wanted: Select[*_Columns]) -> StoredRevision | None:
        async with self._database.read() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        return None if row is None else StoredRevision(facts=_facts(row), text=row.text)


def _stored() -> Select[*_Columns]:
    return select(*_FACTS, RevisionRow.diff, RevisionRow.text)


def _newest(wanted: Select[*_Columns]) -> Select[*_Columns]:
    return wanted.order_by(_BY_NUMBER).limit(1)


def _facts(row: Row[*_Columns]) -> RevisionFacts:
    return RevisionFacts(
        number=row.number,
        accepted_at=row.accepted_at,
        digest=row.digest,
        origin=Origin(author=row.author, how=row.how, restores=row.restores),
        diff=row.diff,
    )


def _diff(old: bytes, new: bytes) -> str | None:
    diff = "\n".join(line_diff(old, new))
    return diff if len(diff) <= _DIFF_LIMIT else None
