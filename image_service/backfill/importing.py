"""The import: page after page, until there is no more, or for as long as it is left running.

Killed at any point it goes on where its last commit left it. Pictures of a page that was not
committed lie in the blob store and are not fetched again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import anyio
from sqlalchemy.exc import SQLAlchemyError

from image_service.backfill.errors import FeedUnavailableError, MovedOnError, NotAFeedError
from image_service.backfill.events import fold
from image_service.backfill.feed import Feed
from image_service.backfill.landing import Landing
from image_service.backfill.pictures import Pictures
from image_service.backfill.progress import Progress, advance, begin_again

_LOG = logging.getLogger("image_service.backfill")

# As many as a page's transaction, which customers' orders wait for, writes in some milliseconds.
PAGE_EVENTS = 100
# What is here may be so much older than it looks while nothing happens, and no more.
_WAIT_S = 1
_ACKNOWLEDGE_EVERY_S = 5.0
_PAUSES_S = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """What an import is handed.

    Attributes:
        clock: Seconds since 1970.
        report: Is told where the import stands after each commit.
        reader: The name under which the feed keeps events for it; empty for none.
        page_events: How many events a transaction takes in at most.
    """

    clock: Callable[[], float]
    report: Callable[[Progress], None]
    reader: str
    page_events: int = PAGE_EVENTS


class Importer:
    """Reads the feed into the service."""

    def __init__(self, *, feed: Feed, landing: Landing, pictures: Pictures, hand: Hand) -> None:
        self._feed = feed
        self._landing = landing
        self._pictures = pictures
        self._hand = hand
        self._acknowledged_at = 0.0

    async def begin(self, *, anew: bool = False) -> Progress:
        """Return where the import stands; ``anew`` begins another round of it.

        Raises:
            MovedOnError: Another import is at work.
        """
        progress = await self._landing.begin()
        if anew:
            fresh = begin_again(progress)
            await self._landing.commit(progress, fresh, [])
            progress = fresh
        if progress.cursor == "0":
            await self._acknowledge(progress)
        return progress

    async def catch_up(self, progress: Progress) -> Progress:
        """Take in what there is, and return where that leads.

        Raises:
            FeedGoneError: The feed cannot go on from there.
            FeedUnavailableError: The feed does not answer.
            NotAFeedError: What answers is no feed.
        """
        while True:
            progress, has_more = await self.step(progress)
            if not has_more:
                await self._acknowledge(progress)
                return progress

    async def follow(self, progress: Progress) -> None:
        """Take in what there is and what comes, until cancelled.

        Raises:
            FeedGoneError: The feed cannot go on from there.
            NotAFeedError: What answers is no feed.
        """
        failures, is_quiet = 0, False
        while True:
            try:
                # Behind news one look without waiting, which tells at once that that was all.
                after, _ = await self.step(progress, wait_s=_WAIT_S if is_quiet else 0)
                failures, is_quiet = 0, after.position == progress.position
                progress = after
            except (FeedUnavailableError, SQLAlchemyError, OSError) as error:
                pause_s = _PAUSES_S[min(failures, len(_PAUSES_S) - 1)]
                failures += 1
                cause = getattr(error, "orig", None) or error
                _LOG.warning("import_waits again_in_s=%g error=%s", pause_s, cause)
                await anyio.sleep(pause_s)

    async def step(self, progress: Progress, *, wait_s: int = 0) -> tuple[Progress, bool]:
        """Take in one page; return where that leads, and whether there is more at once.

        Raises:
            FeedGoneError: The feed cannot go on from there.
            FeedUnavailableError: The feed does not answer.
            NotAFeedError: What answers is no feed.
        """
        # What was committed by now is in the page, however long it takes to come.
        asked_at = self._hand.clock()
        page = await self._feed.page(progress.cursor, limit=self._hand.page_events, wait_s=wait_s)
        after = advance(progress, page, now=asked_at)
        changes = fold(page.told)
        there = await self._landing.pictures([change.image_id for change in changes])
        landed = await self._pictures.land(changes, there)
        try:
            await self._landing.commit(progress, after, landed)
            if after.is_complete and not after.is_swept:
                after = await self._sweep(after)
        except MovedOnError:
            # Somebody else has taken this page in: go on where that leads.
            return await self._landing.begin(), True
        self._hand.report(after)
        if self._hand.clock() - self._acknowledged_at >= _ACKNOWLEDGE_EVERY_S:
            await self._acknowledge(after)
        return after, page.has_more or page.in_snapshot

    async def _sweep(self, progress: Progress) -> Progress:
        while await self._landing.sweep(progress):
            pass
        swept = replace(progress, is_swept=True)
        await self._landing.commit(progress, swept, [])
        return swept

    async def _acknowledge(self, progress: Progress) -> None:
        """Have the feed keep what comes next; without that it keeps it for some days as well."""
        if not self._hand.reader:
            return
        self._acknowledged_at = self._hand.clock()
        try:
            await self._feed.acknowledge(self._hand.reader, progress.cursor)
        except (FeedUnavailableError, NotAFeedError) as error:
            _LOG.warning("import_not_acknowledged reader=%s error=%s", self._hand.reader, error)
