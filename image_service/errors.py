"""Everything that can go wrong here, as types.

::

    ImageServiceError
      StartupError            the process cannot start; one line for the operator
      RequestError            the request is answered with the HTML page of its status
        MethodError           405: which methods there are
      OrderError              the order is answered 200 with a Portuguese sentence
      PromptError             the prompt is not text; the monolith answers it with 500
      PictureError          no picture came of an order: why, and what became of the money
        ModerationError       the provider will not paint this
        RateLimitError        too many orders for the provider just now
        QuotaError            the provider's account is empty
        RejectedError         the provider refused our request itself
        UnavailableError      the provider was not reached, or failed
        AnswerTimeoutError    no answer in time
        BadPictureError       what came is not the picture that was ordered
      MissingBlobError        a stored picture is gone
      UnreadablePictureError  a stored picture cannot be decoded
      BusyError               too much is being made at once; soon there will be room
      BlobStoreError          the place where pictures are kept does not answer as it should
"""

from __future__ import annotations

from image_service.providers.usage import Outcome, Usage


class ImageServiceError(Exception):
    """The root of this package's errors."""


class StartupError(ImageServiceError):
    """The process cannot start.

    Attributes:
        where: The variable, file or address at fault.
        why: What is wrong with it, with the offending value.
        remedy: What the operator does about it.
    """

    def __init__(self, *, where: str, why: str, remedy: str) -> None:
        super().__init__(where, why, remedy)
        self.where = where
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.where}: {self.why}; {self.remedy}"


class RequestError(ImageServiceError):
    """The request is answered with the HTML page of ``status``.

    Attributes:
        status: Of the page.
        reason: One sentence for those who are not answered with pages; empty for none.
    """

    def __init__(self, status: int, reason: str = "") -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return f"the request is answered with status {self.status}"


class MethodError(RequestError):
    """The path exists, the method does not; ``allowed`` lists those that do."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(405)
        self.allowed = allowed


class OrderError(ImageServiceError):
    """The order is answered 200 with ``sentence``, as the monolith answers it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


class PromptError(ImageServiceError):
    """The prompt holds half of a surrogate pair, which no encoding can write."""

    def __str__(self) -> str:
        return "the prompt holds an unpaired surrogate"


class PictureError(ImageServiceError):
    """No picture came of an order.

    Attributes:
        kind: Why, in one word: the code of the problem that a customer is answered.
        reason: What happened, for the log: no secret and nothing that a customer wrote.
        outcome: What became of the money; after ``bought`` and ``unknown`` the picture is not
            ordered again without somebody asking for it.
        retry_after_s: How long the provider asks to be left alone; None when it does not say.
        usage: What was used all the same; None when nobody said.
        provider: Who was asked last; None when nobody was.
    """

    kind = "internal"
    outcome: Outcome = "unknown"

    def __init__(
        self,
        reason: str,
        *,
        outcome: Outcome | None = None,
        retry_after_s: float | None = None,
        usage: Usage | None = None,
        provider: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        if outcome is not None:
            self.outcome = outcome
        self.retry_after_s = retry_after_s
        self.usage = usage
        self.provider = provider

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


class ModerationError(PictureError):
    """The provider's rules forbid this picture; ordering it again changes nothing."""

    kind = "moderation-blocked"
    outcome = "not_bought"


class RateLimitError(PictureError):
    """The provider takes no more orders just now."""

    kind = "provider-rate-limited"
    outcome = "not_bought"


class QuotaError(PictureError):
    """The provider's account is used up; only its owner can change that."""

    kind = "provider-quota"
    outcome = "not_bought"


class RejectedError(PictureError):
    """The provider refused our request itself: wrong key, unknown model, bad parameter."""

    kind = "provider-rejected"
    outcome = "not_bought"


class UnavailableError(PictureError):
    """The provider could not be reached, failed, or broke the connection off."""

    kind = "provider-unavailable"


class AnswerTimeoutError(PictureError):
    """No answer came in time: the picture may have been made and charged all the same."""

    kind = "provider-timeout"


class BadPictureError(PictureError):
    """The answer is no picture, or not the one that was ordered."""

    kind = "provider-bad-answer"


class MissingBlobError(ImageServiceError):
    """The database knows a picture that the blob store does not hold."""

    def __init__(self, sha256: str) -> None:
        super().__init__(sha256)
        self.sha256 = sha256

    def __str__(self) -> str:
        return f"the blob sha256:{self.sha256} is missing"


class UnreadablePictureError(ImageServiceError):
    """What is stored is no picture that can be decoded, or too large a one.

    Attributes:
        reason: What is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class BusyError(ImageServiceError):
    """More is being made than memory is meant for.

    Attributes:
        under_way: How much that is.
    """

    def __init__(self, under_way: int) -> None:
        super().__init__(under_way)
        self.under_way = under_way

    def __str__(self) -> str:
        return f"{self.under_way} derivatives are being made already"


class BlobStoreError(ImageServiceError, OSError):
    """The object store is unreachable, refuses us, or fails.

    Attributes:
        reason: What it said, on one line and without secrets.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the blob store fails: {self.reason}"
