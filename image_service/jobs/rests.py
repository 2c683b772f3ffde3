"""Whether the provider is being left alone, and until when: what workers know, told to everybody.

A worker writes the end of its provider's rest down; whoever takes orders reads it every second. A
picture that comes ends the rest, whichever worker it comes to.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import delete, insert

from image_service.database import Database, unbroken
from image_service.jobs.rows import PROVIDER_CHARACTERS, RestRow
from image_service.jobs.watch import Watch
from image_service.providers.port import Rest
from image_service.shared_clock import SharedClock
from image_service.writer import Writer

# An end that moves by less is not worth a transaction.
_NEWS_S = 0.5


class Rests:
    """What this process knows of it, and tells."""

    def __init__(
        self, *, database: Database, writer: Writer, watch: Watch, clock: SharedClock
    ) -> None:
        self._database = database
        self._writer = writer
        self._watch = watch
        self._clock = clock
        self.until = 0.0
        """When the provider may be asked again; long past when it may be."""
        self._told = 0.0

    @property
    def left_s(self) -> float:
        """How much longer the provider is left alone; 0 when it is not."""
        return max(self.until - self._clock(), 0.0)

    async def tell(self, provider: str, rest: Rest | None, *, has_painted: bool = False) -> None:
        """Write down how this worker's provider rests, if that is news.

        Args:
            provider: Who.
            rest: None when anybody may ask. Its end, while one order tries, counts as none.
            has_painted: A picture has just come: what others hold of the provider is over as well.
        """
        name = provider[:PROVIDER_CHARACTERS]
        until = 0.0 if rest is None or rest.for_s == 0 else self._clock() + rest.for_s
        is_over = self._told > 0 or (has_painted and self.left_s > 0)
        is_news = is_over if until == 0 else abs(until - self._told) >= _NEWS_S
        if not is_news:
            return

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(RestRow).where(RestRow.provider == name))
            if until > 0:
                await connection.execute(insert(RestRow).values(provider=name, until=until))

        await self._writer.write(write)
        self._told = until
        self._learn(until)

    @unbroken
    async def look(self) -> None:
        """Read what others have written."""
        async with self._database.read() as connection:
            until = await connection.scalar(select(func.max(RestRow.until)))
        self._learn(until or 0.0)

    def _learn(self, until: float) -> None:
        is_news = abs(until - self.until) >= _NEWS_S and max(until, self.until) > self._clock()
        self.until = until
        if is_news:
            self._watch.stir()
