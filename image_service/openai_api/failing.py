"""Errors as OpenAI's clients know them: the shape, the statuses, and when they may ask again.

The official clients repeat 408, 409, 429 and every 5xx on their own, without a key that tells the
two orders apart. ``x-should-retry: false`` keeps them from it wherever something was or may have
been bought.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from image_service.errors import ImageServiceError, PictureError
from image_service.providers.usage import Outcome


class RefusedError(ImageServiceError):
    """The request is refused before anything is ordered.

    Attributes:
        message: For the developer.
        status: Of the answer.
        param: The parameter at fault; None when it is none of them.
        code: OpenAI's.
    """

    def __init__(
        self, message: str, *, status: int = 400, param: str | None = None, code: str
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.param = param
        self.code = code


class NotMadeError(ImageServiceError):
    """There is no picture, for a reason that the service's own problems have a code for.

    Attributes:
        code: A key of ``KINDS``; any other is answered as ``internal``.
        outcome: What became of the money.
        retry_after_s: When it may be asked again; None when nobody says.
    """

    def __init__(self, code: str, *, outcome: Outcome, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.outcome = outcome
        self.retry_after_s = retry_after_s

    @classmethod
    def of(cls, error: PictureError) -> NotMadeError:
        """Take over what a provider's failure says."""
        return cls(error.kind, outcome=error.outcome, retry_after_s=error.retry_after_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one problem is answered.

    Attributes:
        status: Of the answer.
        code: OpenAI's own where it has one.
        message: For whoever reads the client's exception.
        is_passing: Whether the same order may succeed soon.
    """

    status: int
    code: str
    message: str
    is_passing: bool = False


KINDS: dict[str, Kind] = {
    "moderation-blocked": Kind(
        status=400, code="moderation_blocked", message="The provider will not paint this."
    ),
    "budget-exceeded": Kind(
        status=429, code="insufficient_quota", message="The customer's budget is used up."
    ),
    "global-budget-exceeded": Kind(
        status=503, code="insufficient_quota", message="The service's budget is used up."
    ),
    "rate-limited": Kind(
        status=429,
        code="rate_limit_exceeded",
        message="Too many orders of this customer wait.",
        is_passing=True,
    ),
    "queue-full": Kind(
        status=503, code="queue_full", message="Too many orders wait.", is_passing=True
    ),
    "stopping": Kind(
        status=503, code="stopping", message="The service is stopping.", is_passing=True
    ),
    "idempotency-conflict": Kind(
        status=409,
        code="idempotency_conflict",
        message="The first request with this key is under way.",
        is_passing=True,
    ),
    "idempotency-mismatch": Kind(
        status=422,
        code="idempotency_mismatch",
        message="The key was used for another request.",
    ),
    "invalid-header": Kind(
        status=400, code="invalid_header", message="A header cannot be understood."
    ),
    "provider-rate-limited": Kind(
        status=503,
        code="provider_rate_limited",
        message="The provider takes no more orders just now.",
        is_passing=True,
    ),
    "provider-quota": Kind(
        status=503, code="provider_quota", message="The provider's account is used up."
    ),
    "provider-rejected": Kind(
        status=502, code="provider_rejected", message="The provider refused our request."
    ),
    "provider-unavailable": Kind(
        status=503,
        code="provider_unavailable",
        message="The provider was not reached, or failed.",
        is_passing=True,
    ),
    "provider-bad-answer": Kind(
        status=502, code="provider_bad_answer", message="The provider did not send the picture."
    ),
    "provider-timeout": Kind(
        status=504, code="provider_timeout", message="The provider did not answer in time."
    ),
    "outcome-unknown": Kind(
        status=504, code="outcome_unknown", message="The order broke off while it was carried out."
    ),
    "expired": Kind(
        status=504, code="expired", message="The picture was not there before its deadline."
    ),
    "canceled": Kind(status=409, code="canceled", message="The order was canceled."),
    "gone": Kind(status=410, code="gone", message="The image was deleted while it was made."),
    "internal": Kind(status=500, code="internal", message="Something went wrong here."),
}
# What the type says beside the code, as OpenAI has it.
_TYPES = {
    "moderation_blocked": "image_generation_user_error",
    "insufficient_quota": "insufficient_quota",
    "rate_limit_exceeded": "requests",
}
_FIRST_SERVER_STATUS = 500


def kind_of(error: NotMadeError) -> Kind:
    """Return the row of a failure."""
    return KINDS.get(error.code, KINDS["internal"])


def error_object(failure: RefusedError | NotMadeError) -> dict[str, object]:
    """Return the ``error`` member of an answer or of an event."""
    if isinstance(failure, RefusedError):
        status, code, message, param = failure.status, failure.code, failure.message, failure.param
    else:
        kind = kind_of(failure)
        status, code, message, param = kind.status, kind.code, kind.message, None
    usual = "server_error" if status >= _FIRST_SERVER_STATUS else "invalid_request_error"
    return {"message": message, "type": _TYPES.get(code, usual), "param": param, "code": code}


def error_response(failure: RefusedError | NotMadeError) -> Response:
    """Answer with an error, and say whether asking again makes sense and costs nothing twice."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(failure, RefusedError):
        status = failure.status
    else:
        kind = kind_of(failure)
        status = kind.status
        may_repeat = kind.is_passing and failure.outcome == "not_bought"
        headers["X-Should-Retry"] = "true" if may_repeat else "false"
        if failure.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, round(failure.retry_after_s)))
    return JSONResponse({"error": error_object(failure)}, status, headers)
