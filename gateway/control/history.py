"""Revisions in a database that may come and go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from gateway.errors import GatewayError
from gateway.proxy.spawn import Running, spawn
from gateway.state.database import Database, open_database
from gateway.state.kept import UNKNOWN, Origin, Refusal, RevisionFacts, StoredRevision
from gateway.state.revisions import Revisions


class History:
    """Numbers and keeps revisions; opens the database when it is first needed.

    Not before: a control that replaces another must come up without it.
    """

    def __init__(self, database_url: str) -> None:
        """Take `FIGUEIRA_DATABASE_URL`."""
        self._url = database_url
        self._database: Database | None = None
        self._is_up_to_date = False
        self._writing: Running | None = None

    async def accept(self, digest: str, text: bytes, at: datetime, origin: Origin = UNKNOWN) -> int:
        """Keep a revision and return its number, bringing the tables up to date first.

        Cancelling it ends the wait at once. What was begun goes on until the database lets go of
        it (SQLite's driver waits for a lock whether or not anybody waits for the driver), and is
        over before anything else is written: revisions stay in order.

        Raises:
            StartError: The database cannot be used.
        """
        numbers: list[int] = []

        async def write(revisions: Revisions) -> None:
            numbers.append(await revisions.accept(digest, text, at, origin))

        await self._in_turn(write)
        # None is there only after a fault of ours, which `spawn` has logged.
        return numbers[0]

    async def refuse(self, refusal: Refusal) -> None:
        """Keep that a file was refused.

        Raises:
            StartError: The database cannot be used.
        """
        await self._in_turn(lambda revisions: revisions.refuse(refusal))

    async def latest(self) -> StoredRevision | None:
        """The revision accepted last; None before the first.

        Raises:
            StartError: The database cannot be used.
        """
        return await (await self._revisions()).latest()

    async def get(self, number: int) -> StoredRevision | None:
        """A revision by its number; None if there is none.

        Raises:
            StartError: The database cannot be used.
        """
        return await (await self._revisions()).get(number)

    async def before(self, number: int | None, limit: int) -> list[RevisionFacts]:
        """Revisions from the newest on, or from the one before `number`.

        Raises:
            StartError: The database cannot be used.
        """
        return await (await self._revisions()).before(number, limit)

    async def refusals(self, limit: int) -> list[Refusal]:
        """What was refused, from the newest on.

        Raises:
            StartError: The database cannot be used.
        """
        return await (await self._revisions()).refusals(limit)

    async def _in_turn(self, write: Callable[[Revisions], Awaitable[None]]) -> None:
        """Write after all that was begun before."""
        while self._writing is not None:
            writing = self._writing
            await writing.ended()
            if self._writing is writing:
                self._writing = None
        faults: list[GatewayError] = []
        self._writing = spawn(self._write(write, faults), "history")
        await self._writing.ended()
        if faults:
            raise faults[0]

    async def _write(
        self, write: Callable[[Revisions], Awaitable[None]], faults: list[GatewayError]
    ) -> None:
        try:
            await write(await self._revisions())
        except GatewayError as error:
            faults.append(error)

    async def _revisions(self) -> Revisions:
        if self._database is None:
            self._database = open_database(self._url)
        if not self._is_up_to_date:
            await self._database.upgrade()
            self._is_up_to_date = True
        return Revisions(self._database)

    async def close(self) -> None:
        """Close the database's connections."""
        if self._database is not None:
            await self._database.close()
