"""Revisions in a database that may come and go."""

from __future__ import annotations

from datetime import datetime

from gateway.errors import GatewayError
from gateway.proxy.spawn import Running, spawn
from gateway.state.database import Database, open_database
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

    async def accept(self, digest: str, text: bytes, at: datetime) -> int:
        """Keep a revision and return its number, bringing the tables up to date first.

        Cancelling it ends the wait at once. What was begun goes on until the database lets go of
        it (SQLite's driver waits for a lock whether or not anybody waits for the driver), and is
        over before anything else is written: revisions stay in order.

        Raises:
            StartError: The database cannot be used.
        """
        if self._writing is not None:
            await self._writing.ended()
        outcome: list[int | GatewayError] = []
        self._writing = spawn(self._write(digest, text, at, outcome), "history")
        await self._writing.ended()
        # Nothing is there only after a fault of ours, which `spawn` has logged.
        found = outcome[0]
        if isinstance(found, GatewayError):
            raise found
        return found

    async def _write(
        self, digest: str, text: bytes, at: datetime, outcome: list[int | GatewayError]
    ) -> None:
        try:
            if self._database is None:
                self._database = open_database(self._url)
            if not self._is_up_to_date:
                await self._database.upgrade()
                self._is_up_to_date = True
            outcome.append(await Revisions(self._database).accept(digest, text, at))
        except GatewayError as error:
            outcome.append(error)

    async def close(self) -> None:
        """Close the database's connections."""
        if self._database is not None:
            await self._database.close()
