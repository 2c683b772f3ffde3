"""The history of routes.yaml: from the running gateway, or else from its database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

from gateway.admin.operations import HistoryPage, RevisionText
from gateway.errors import GatewayError

_PAGE = 50

Found = TypeVar("Found")


class Past(Protocol):
    """Where revisions are looked up: `gateway.cli.admin.Admin`, or `StoredPast`."""

    def history(self, before: int | None, limit: int) -> HistoryPage:
        """Revisions, those with smaller numbers than `before` unless it is None."""

    def revision(self, number: int) -> RevisionText | None:
        """One revision with its text; None if there is none."""


class NothingBeforeError(GatewayError):
    """There is no revision to go back to."""


class StoredPast:
    """The database, read while no gateway is running; nothing is written to it."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def history(self, before: int | None, limit: int) -> HistoryPage:
        """Revisions, those with smaller numbers than `before` unless it is None."""
        from gateway.admin.operations import page_of  # noqa: PLC0415 - loads the database's driver
        from gateway.state.revisions import Revisions  # noqa: PLC0415 - as above

        async def read(revisions: Revisions) -> HistoryPage:
            refusals = await revisions.refusals(limit) if before is None else []
            return page_of(await revisions.before(before, limit), refusals, None)

        return self._read(read, HistoryPage(revisions=()))

    def revision(self, number: int) -> RevisionText | None:
        """One revision with its text; None if there is none."""
        from gateway.admin.operations import text_of  # noqa: PLC0415 - as above
        from gateway.state.revisions import Revisions  # noqa: PLC0415 - as above

        async def read(revisions: Revisions) -> RevisionText | None:
            stored = await revisions.get(number)
            return text_of(stored, None) if stored else None

        return self._read(read, None)

    def _read(self, read: Callable[..., Awaitable[Found]], empty: Found) -> Found:
        from sqlalchemy import make_url  # noqa: PLC0415 - as above

        from gateway.state.database import open_database  # noqa: PLC0415 - as above
        from gateway.state.revisions import Revisions  # noqa: PLC0415 - as above

        async def run() -> Found:
            database = open_database(self._url)
            try:
                return await read(Revisions(database))
            finally:
                await database.close()

        if self._url.startswith("sqlite"):
            file = make_url(self._url).database or ""
            # Opening would make the file, which is for a gateway to do.
            if not file.startswith("file:") and not Path(file).exists():
                return empty
        return asyncio.run(run())


def latest_of(past: Past) -> RevisionText | None:
    """The revision accepted last; None before the first."""
    page = past.history(None, 1)
    return past.revision(page.revisions[0].number) if page.revisions else None


def before_last(past: Past, serving: RevisionText) -> RevisionText:
    """What `figueira undo` goes back to: what served before the last change that was no undo.

    So a second undo goes one further back, and does not bring back what the first has undone.

    Raises:
        NothingBeforeError: It is the first revision, or an undo to it.
    """
    line = serving.revision
    while line.restores is not None and line.restores < line.number:
        restored = past.revision(line.restores)
        if restored is None:
            break
        line = restored.revision
    before = line.number
    while page := past.history(before, _PAGE).revisions:
        for older in page:
            before = older.number
            if older.digest != line.digest and (found := past.revision(older.number)):
                return found
    now = serving.revision.number
    again = f", which serves again as revision {now}" if now != line.number else ""
    raise NothingBeforeError(f"there is nothing before revision {line.number}{again}")
