"""A database that numbers revisions in memory, and fails when it is told to."""

from __future__ import annotations

import asyncio
from datetime import datetime

from gateway.state.kept import Origin
from tests.support.counted import AT


class Database:
    """Numbers revisions as `Revisions` does: the last one again if nothing changed."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.origins: list[Origin] = []
        self.fault: Exception | None = None
        self.hangs = False
        self.foreign = 0
        """Revisions that another gateway has kept meanwhile."""

    async def accept(self, digest: str, text: bytes, at: datetime, origin: Origin) -> int:
        """Keep a revision."""
        assert at == AT
        assert text
        if self.hangs:
            await asyncio.Event().wait()
        if self.fault is not None:
            raise self.fault
        if self.kept[-1:] != [digest]:
            self.kept.append(digest)
            self.origins.append(origin)
        return len(self.kept) + self.foreign
