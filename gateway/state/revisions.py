"""Every routes.yaml that was accepted, numbered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from gateway.state.database import Database
from gateway.state.models import RevisionRow

_LATEST = (
    select(RevisionRow.number, RevisionRow.accepted_at, RevisionRow.digest, RevisionRow.text)
    .order_by(RevisionRow.number.desc())
    .limit(1)
)
_LATEST_DIGEST = (
    select(RevisionRow.number, RevisionRow.digest).order_by(RevisionRow.number.desc()).limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRevision:
    """One accepted routes.yaml."""

    number: int
    """From 1, growing; on PostgreSQL numbers may be skipped."""
    accepted_at: datetime
    """In UTC."""
    digest: str
    """SHA-256 of `text`, hexadecimal."""
    text: bytes
    """The file as it was read."""


class Revisions:
    """The revisions in a database whose tables are up to date."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, digest: str, text: bytes, at: datetime) -> int:
        """Keep a routes.yaml, unless it is the one kept last.

        Two gateways accepting the same file at once agree on one number.

        Args:
            digest: SHA-256 of `text`, 64 hexadecimal digits.
            text: The file's bytes.
            at: When it was accepted, timezone-aware.

        Returns:
            The number of the new revision, or of the latest one if that has the same digest.

        Raises:
            StartError: The database cannot be written.
        """
        async with self._database.write() as connection:
            latest = (await connection.execute(_LATEST_DIGEST)).one_or_none()
            if latest is not None:
                number, latest_digest = latest
                if latest_digest == digest:
                    return number
            row = insert(RevisionRow).values(accepted_at=at, digest=digest, text=text)
            return (await connection.execute(row.returning(RevisionRow.number))).scalar_one()

    async def latest(self) -> StoredRevision | None:
        """The revision accepted last; None before the first.

        Raises:
            StartError: The database cannot be read.
        """
        async with self._database.read() as connection:
            row = (await connection.execute(_LATEST)).one_or_none()
        if row is None:
            return None
        number, accepted_at, digest, text = row
        return StoredRevision(number=number, accepted_at=accepted_at, digest=digest, text=text)
