"""What each way of failing means, decided purely: its kind, and what became of the money.

The rules are one table, read from the top; the first that fits decides. What they rest on:

* OpenAI charges for a generation, not for an answer. Once the request has left, only an answer of
  the API itself that says it did nothing tells us that nothing was bought.
* A 5xx may come from anybody on the way, long after the API has begun to paint. Only a 503 that the
  API itself wrote says that the order was not taken.
* A 200 in the API's own shape was painted and is charged, whatever is wrong with it.
"""

from __future__ import annotations

from collections.abc import Collection, Container
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from image_service.errors import (
    AnswerTimeoutError,
    BadPictureError,
    ModerationError,
    PictureError,
    QuotaError,
    RateLimitError,
    RejectedError,
    UnavailableError,
)
from image_service.providers.usage import Outcome

Stage = Literal["connecting", "waiting", "refused", "streaming", "answered"]
"""How far a call came: before the request left, before the answer's status, an answer that is no
success, a stream that has begun, a complete answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failed call.

    Attributes:
        stage: How far it came.
        status: The answer's status; None before there was one.
        code: OpenAI's error code; None when the answer holds none.
        is_from_api: Whether the answer has the API's own shape: an error object, or a JSON object.
        is_timeout: Whether time ran out.
    """

    stage: Stage
    status: int | None = None
    code: str | None = None
    is_from_api: bool = False
    is_timeout: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What a kind of fault means; a fault is of this kind if it fits all that is not None.

    Attributes:
        name: What happened, in words; documented.
        error: What is raised.
        outcome: What became of the money.
        stages: How far it came.
        statuses: The answer's status.
        codes: OpenAI's code; empty for any that there is.
        is_from_api: Whether the API itself wrote the answer.
        is_timeout: Whether time ran out.
    """

    name: str
    error: type[PictureError]
    outcome: Outcome
    _: KW_ONLY
    stages: Container[Stage] | None = None
    statuses: Container[int | None] | None = None
    codes: Collection[str] | None = None
    is_from_api: bool | None = None
    is_timeout: bool | None = None

    def fits(self, fault: Fault) -> bool:
        """Whether a fault is of this kind."""
        if self.codes is not None and fault.code not in (self.codes or {fault.code} - {None}):
            return False
        return (
            (self.stages is None or fault.stage in self.stages)
            and (self.statuses is None or fault.status in self.statuses)
            and self.is_from_api in (None, fault.is_from_api)
            and self.is_timeout in (None, fault.is_timeout)
        )


_MODERATION = ("moderation_blocked", "content_policy_violation")
_QUOTA = ("insufficient_quota", "billing_hard_limit_reached")

RULES = (
    Rule("no connection", UnavailableError, "not_bought", stages=["connecting"]),
    Rule(
        "moderation in a stream that has begun",
        ModerationError,
        "unknown",
        stages=["streaming"],
        codes=_MODERATION,
    ),
    Rule("error event in a stream", UnavailableError, "unknown", stages=["streaming"], codes=()),
    Rule("no answer in time", AnswerTimeoutError, "unknown", is_timeout=True),
    Rule(
        "connection broken after the request left",
        UnavailableError,
        "unknown",
        stages=["waiting", "streaming"],
    ),
    Rule(
        "200 without a usable picture",
        BadPictureError,
        "bought",
        stages=["answered"],
        is_from_api=True,
    ),
    Rule("200 that is not the API's", BadPictureError, "unknown", stages=["answered"]),
    Rule("moderation", ModerationError, "not_bought", codes=_MODERATION),
    Rule("the account is empty", QuotaError, "not_bought", codes=_QUOTA),
    Rule("429", RateLimitError, "not_bought", statuses=[429]),
    Rule("408 or 504", AnswerTimeoutError, "unknown", statuses=[408, 504]),
    Rule(
        "503 of the API itself",
        UnavailableError,
        "not_bought",
        statuses=[503],
        is_from_api=True,
    ),
    Rule("any other 5xx", UnavailableError, "unknown", statuses=range(500, 1000)),
    Rule("any other 3xx or 4xx", RejectedError, "not_bought", stages=["refused"]),
)


def rule_of(fault: Fault) -> Rule:
    """Return the rule that decides; every fault has one."""
    return next(rule for rule in RULES if rule.fits(fault))
