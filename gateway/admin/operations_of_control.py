"""`Operations` of a running control."""

from __future__ import annotations

import asyncio

from gateway.admin.operations import (
    Announcement,
    HistoryPage,
    ReloadResult,
    RevisionText,
    origin_of,
    page_of,
    text_of,
)
from gateway.control.control import Control
from gateway.errors import ConfigError, Problem


class ControlOperations:
    """What operators can do to one control."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def reload(self) -> ReloadResult:
        """Look at the file now, and wait until every worker routes by what serves then."""
        reloaded = await self._control.reload()
        return ReloadResult(
            revision=reloaded.revision,
            digest=reloaded.digest,
            path=str(self._control.reloader.path.absolute()),
            file_digest=reloaded.file_digest,
            problems=reloaded.problems,
            workers=sum(worker.is_alive for worker in self._control.workers.all()),
            behind=reloaded.behind,
        )

    def announce(self, announcement: Announcement) -> None:
        """Remember who writes a content that will come."""
        reloader = self._control.reloader
        reloader.announce(announcement.digest, origin_of(announcement))
        # The way back is always open, however much it moves.
        if announcement.force or announcement.restores is not None:
            reloader.excuse(announcement.digest)

    async def history(self, before: int | None, limit: int) -> HistoryPage:
        """Revisions, those with smaller numbers than `before` unless it is None."""
        history = self._control.history
        facts = await history.before(before, limit)
        refusals = await history.refusals(limit) if before is None else []
        return page_of(facts, refusals, self._serving())

    async def revision(self, number: int) -> RevisionText | None:
        """One revision with its text, and what keeps the gateway from using it now."""
        stored = await self._control.history.get(number)
        if stored is None:
            return None
        problems = await asyncio.to_thread(self._problems_of, stored.text)
        return text_of(stored, self._serving(), problems)

    def _problems_of(self, text: bytes) -> tuple[Problem, ...]:
        try:
            self._control.reloader.compile(text)
        except ConfigError as error:
            return error.problems
        return ()

    def _serving(self) -> int | None:
        current = self._control.reloader.current
        return current.accepted.revision if current else None
