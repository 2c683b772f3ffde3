"""How far the import is, and what follows from one more page. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from image_service.backfill.errors import FeedGoneError, NotAFeedError
from image_service.backfill.events import Gone, Page

# The monolith makes a picture within its customer's request. What is pending longer never ends.
MAKING_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where the import stands; committed together with the rows.

    Attributes:
        feed: The id of the feed it reads; empty before the first page.
        cursor: What to ask for next.
        position: Of the last event taken in.
        last: Of the newest event that there was when it was last asked.
        round: Counts beginnings; rows of an earlier round go once this one is complete.
        in_snapshot: Whether rows from before are still to come.
        complete_at: The position from which on every image is here; None while unknown.
        is_swept: Whether rows of earlier rounds are gone.
        highest_id: The highest id of an image told of; 0 before the first.
        newest_at: When the newest event taken in was written; None before the first.
        as_of: Everything that the monolith had at this time is here; None before that was so.
    """

    feed: str = ""
    cursor: str = "0"
    position: int = 0
    last: int = 0
    round: int = 1
    in_snapshot: bool = True
    complete_at: int | None = None
    is_swept: bool = True
    highest_id: int = 0
    newest_at: float | None = None
    as_of: float | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every image that there was at ``position`` is here."""
        return self.complete_at is not None and self.position >= self.complete_at

    @property
    def behind(self) -> int:
        """How many events are known and not taken in; on PostgreSQL at most so many."""
        return max(self.last - self.position, 0)

    def lag_s(self, now: float) -> float | None:
        """Return how old what is here may be, in seconds; None before it was complete once."""
        return None if self.as_of is None else max(now - self.as_of, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An image without a picture yet."""

    image_id: int
    created_at: float


def advance(progress: Progress, page: Page, *, now: float) -> Progress:
    """Return where the import stands after a page.

    Raises:
        FeedGoneError: The page is another feed's.
        NotAFeedError: The feed goes backwards.
    """
    if progress.feed not in ("", page.feed):
        raise FeedGoneError("another_feed", f"this is {page.feed}, not {progress.feed}")
    if page.position < progress.position:
        raise NotAFeedError("position", f"{page.position} comes before {progress.position}")
    complete_at = progress.complete_at
    if complete_at is None and not page.in_snapshot:
        # A row that changed while the snapshot was read comes by an event up to here.
        complete_at = page.last
    there = [one.change.image_id for one in page.told if not isinstance(one.change, Gone)]
    after = replace(
        progress,
        feed=page.feed,
        cursor=page.cursor,
        position=page.position,
        last=page.last,
        in_snapshot=page.in_snapshot,
        complete_at=complete_at,
        highest_id=max([progress.highest_id, *there]),
        newest_at=_later(progress.newest_at, page.newest_at),
    )
    has_all = after.is_complete and not page.has_more and after.position >= page.last
    return replace(after, as_of=now) if has_all else after


def begin_again(progress: Progress) -> Progress:
    """Return the beginning of another round."""
    return Progress(round=progress.round + 1, is_swept=False)


def complete_up_to(progress: Progress, pending: Iterable[Pending], *, now: float) -> int:
    """Return the id up to which every image is here as it is to stay.

    Args:
        progress: Where the import stands.
        pending: Imported images without a picture yet.
        now: Seconds since 1970.

    Returns:
        0 until the first round is complete. An image that the monolith is making holds it back.
    """
    if not progress.is_complete:
        return 0
    making = [one.image_id for one in pending if now - one.created_at < MAKING_S]
    return max(min([progress.highest_id, *(image_id - 1 for image_id in making)]), 0)


def _later(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
