"""What each way of failing means, decided purely: its kind, and what became of the money.

The rules are one table, read from the top; the first that fits decides. What they rest on:

* OpenAI charges for a generation, not for an answer. Once the request has left, only an answer of
  the API itself that says it did nothing tells us that nothing was bought.
* A 5xx may come from anybody on the way, long after the API has begun to paint. Only a 503 that the
  API itself wrote says that the order was not taken.
* A 200 in the API's own shape was painted and is charged, whatever is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from image_service import errors
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a kind of fault means.

    Attributes:
        name: What happened, in words; documented.
        fits: Whether a fault is of this kind.
        error: What is raised.
        outcome: What became of the money.
    """

    name: str
    fits: Callable[[Fault], bool]
    error: type[errors.PictureError]
    outcome: Outcome


_MODERATION = frozenset({"moderation_blocked", "content_policy_violation"})
_QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_GAVE_UP_WAITING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT})

RULES = (
    Rule(
        name="no connection",
        fits=lambda fault: fault.stage == "connecting",
        error=errors.UnavailableError,
        outcome="not_bought",
    ),
    Rule(
        name="moderation in a stream that has begun",
        fits=lambda fault: fault.stage == "streaming" and fault.code in _MODERATION,
        error=errors.ModerationError,
        outcome="unknown",
    ),
    Rule(
        name="error event in a stream",
        fits=lambda fault: fault.stage == "streaming" and fault.code is not None,
        error=errors.UnavailableError,
        outcome="unknown",
    ),
    Rule(
        name="no answer in time",
        fits=lambda fault: fault.is_timeout,
        error=errors.AnswerTimeoutError,
        outcome="unknown",
    ),
    Rule(
        name="connection broken after the request left",
        fits=lambda fault: fault.stage in ("waiting", "streaming"),
        error=errors.UnavailableError,
        outcome="unknown",
    ),
    Rule(
        name="200 without a usable picture",
        fits=lambda fault: fault.stage == "answered" and fault.is_from_api,
        error=errors.BadPictureError,
        outcome="bought",
    ),
    Rule(
        name="200 that is not the API's",
        fits=lambda fault: fault.stage == "answered",
        error=errors.BadPictureError,
        outcome="unknown",
    ),
    Rule(
        name="moderation",
        fits=lambda fault: fault.code in _MODERATION,
        error=errors.ModerationError,
        outcome="not_bought",
    ),
    Rule(
        name="the account is empty",
        fits=lambda fault: fault.code in _QUOTA,
        error=errors.QuotaError,
        outcome="not_bought",
    ),
    Rule(
        name="429",
        fits=lambda fault: fault.status == HTTPStatus.TOO_MANY_REQUESTS,
        error=errors.RateLimitError,
        outcome="not_bought",
    ),
    Rule(
        name="408 or 504",
        fits=lambda fault: fault.status in _GAVE_UP_WAITING,
        error=errors.AnswerTimeoutError,
        outcome="unknown",
    ),
    Rule(
        name="503 of the API itself",
        fits=lambda fault: fault.status == HTTPStatus.SERVICE_UNAVAILABLE and fault.is_from_api,
        error=errors.UnavailableError,
        outcome="not_bought",
    ),
    Rule(
        name="any other 5xx",
        fits=lambda fault: (fault.status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR,
        error=errors.UnavailableError,
        outcome="unknown",
    ),
    Rule(
        name="any other 3xx or 4xx",
        fits=lambda fault: fault.stage == "refused",
        error=errors.RejectedError,
        outcome="not_bought",
    ),
)


def rule_of(fault: Fault) -> Rule:
    """Return the rule that decides; every fault has one."""
    return next(rule for rule in RULES if rule.fits(fault))
