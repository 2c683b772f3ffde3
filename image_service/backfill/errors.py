"""What can go wrong between the monolith's change feed and us."""

from __future__ import annotations

from image_service.errors import ImageServiceError


class FeedGoneError(ImageServiceError):
    """The feed cannot go on from our cursor: going on would lose changes, or mix two feeds.

    Attributes:
        reason: ``pruned``, ``another_feed``, ``diverged``: the feed's own word for why.
        detail: What the feed says of it.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return (
            f"the change feed cannot go on from where this import stands ({self.reason}: "
            f"{self.detail}). Nothing was changed. Make sure that the URL is the right monolith's; "
            "then import once with --begin-again: it reads everything anew, and removes what the "
            "monolith no longer has"
        )


class FeedUnavailableError(ImageServiceError):
    """The feed does not answer now; later it may."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return f"the change feed does not answer: {self.why}"


class NotAFeedError(ImageServiceError):
    """What answers is no change feed, or one that we cannot read.

    Attributes:
        where: The place in the answer.
        why: What is wrong with it.
    """

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, why)
        self.where = where
        self.why = why

    def __str__(self) -> str:
        return (
            f"what answers is no change feed that can be read: {self.where}: {self.why}; "
            "name the monolith's feed, such as http://127.0.0.1:8003"
        )


class MovedOnError(ImageServiceError):
    """Another import has committed meanwhile; nothing of ours was."""

    def __str__(self) -> str:
        return "another import has committed meanwhile"
