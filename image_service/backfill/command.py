"""``figueira-images import``: opens what it needs, imports, says how far it is, verifies."""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from image_service.backfill.errors import (
    FeedGoneError,
    FeedUnavailableError,
    MovedOnError,
    NotAFeedError,
)
from image_service.backfill.feed import Feed
from image_service.backfill.importing import Hand, Importer
from image_service.backfill.landing import Landing
from image_service.backfill.pictures import Pictures
from image_service.backfill.progress import Progress
from image_service.backfill.verifying import Verifier
from image_service.blobs.opening import open_blobs
from image_service.parts import open_prepared
from image_service.settings import Settings
from image_service.shared_clock import wall_clock

_LOG = logging.getLogger("image_service.backfill")

FAILED = 1
DIFFERENT = 3
GONE = 4
_SAY_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the operator asked for.

    Attributes:
        url: The feed's.
        follow: Go on until stopped.
        verify: Compare everything once it is all here.
        once: Take in one page at most.
        begin_again: Read everything anew, and remove what is not told of.
        reader: The name under which the feed keeps events for this import; empty for none.
    """

    url: str
    follow: bool = False
    verify: bool = False
    once: bool = False
    begin_again: bool = False
    reader: str = "images"


class Teller:
    """Tells an operator how far the import is, not more often than anybody reads."""

    def __init__(self) -> None:
        self._told_at = 0.0
        self._told = ""
        self._cursor = ""

    def report(self, progress: Progress) -> None:
        """Tell of a commit."""
        now = wall_clock()
        if progress.cursor != self._cursor and now - self._told_at >= _SAY_EVERY_S:
            self._cursor = progress.cursor
            self.tell(progress)

    def tell(self, progress: Progress) -> None:
        """Write one line, unless it is the last one again."""
        now = self._told_at = wall_clock()
        text = describe(progress, now=now)
        if text != self._told:
            self._told = text
            sys.stdout.write(f"{datetime.fromtimestamp(now, UTC):%H:%M:%S} {text}\n")
            sys.stdout.flush()


def describe(progress: Progress, *, now: float) -> str:
    """Say where an import stands."""
    lag_s = progress.lag_s(now)
    if progress.in_snapshot:
        state = f"reading rows from before the feed, at image {progress.highest_id}"
    elif lag_s is None:
        state = "not complete yet"
    else:
        state = f"{lag_s:.1f} s behind"
    return (
        f"position {progress.position} of {progress.last}, {progress.behind} events behind, {state}"
    )


async def run(settings: Settings, wanted: Wanted) -> int:
    """Import as asked; return the exit code.

    Raises:
        StartupError: Something cannot be used.
    """
    _stop_on_signals()
    blobs = await open_blobs(settings.blob_place, clock=wall_clock)
    database = await open_prepared(settings)
    try:
        async with Feed.open(wanted.url) as feed:
            landing = Landing(database)
            teller = Teller()
            importer = Importer(
                feed=feed,
                landing=landing,
                pictures=Pictures(feed, blobs),
                hand=Hand(clock=wall_clock, report=teller.report, reader=wanted.reader),
            )
            verifier = Verifier(feed=feed, landing=landing, blobs=blobs)
            return await _act(wanted, importer, verifier, landing, teller)
    except FeedGoneError as error:
        sys.stderr.write(f"image_service: {error}\n")
        return GONE
    except (FeedUnavailableError, NotAFeedError, MovedOnError) as error:
        sys.stderr.write(f"image_service: {error}\n")
        return FAILED
    except (SQLAlchemyError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        sys.stderr.write(f"image_service: import: {type(cause).__name__}: {cause}\n")
        return FAILED
    except asyncio.CancelledError:
        sys.stdout.write("stopped; the next import goes on from here\n")
        return 0
    finally:
        await database.close()


async def _act(
    wanted: Wanted, importer: Importer, verifier: Verifier, landing: Landing, teller: Teller
) -> int:
    progress = await importer.begin(anew=wanted.begin_again)
    if wanted.once:
        progress, _ = await importer.step(progress)
        await _sum_up(landing, teller, progress)
        return 0
    code = 0
    if wanted.verify or not wanted.follow:
        progress = await importer.catch_up(progress)
        await _sum_up(landing, teller, progress)
    if wanted.verify:
        code = await _verify(importer, verifier, landing)
    if wanted.follow:
        await importer.follow(await landing.begin())
    return code


async def _verify(importer: Importer, verifier: Verifier, landing: Landing) -> int:
    async def catch_up() -> Progress:
        return await importer.catch_up(await landing.begin())

    verdict = await verifier.verify(catch_up)
    for line in verdict.lines():
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    return 0 if verdict.is_clean else DIFFERENT


async def _sum_up(landing: Landing, teller: Teller, progress: Progress) -> None:
    teller.tell(progress)
    images, refused = await landing.counts()
    sys.stdout.write(f"{images} images of the monolith are on record, {refused} of them refused\n")
    sys.stdout.flush()


def _stop_on_signals() -> None:
    """Let SIGTERM and SIGINT break off what is being done; all that is committed stays."""
    task = asyncio.current_task()
    if task is None:
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, functools.partial(task.cancel))
