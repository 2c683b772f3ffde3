"""What a reader can be told instead of events."""

from __future__ import annotations


class GoneError(Exception):
    """A reader cannot go on: it would miss something, or mix two feeds. It has to begin again.

    Attributes:
        reason: ``pruned``, ``another_feed`` or ``diverged``.
        feed: The id of the feed that is there now.
        detail: What happened, in words.
    """

    def __init__(self, reason: str, feed: str, detail: str) -> None:
        super().__init__(reason, feed, detail)
        self.reason = reason
        self.feed = feed
        self.detail = detail


class PictureGoneError(Exception):
    """A version of a picture was asked for that is there no more, or not any more the one.

    Attributes:
        version: The one that the image has now; None if it has none.
    """

    def __init__(self, version: int | None) -> None:
        super().__init__(version)
        self.version = version


class TooManyReadersError(Exception):
    """There are as many readers with a name as there may be.

    Attributes:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most
