"""Errors as OpenAI's clients know them: the shape, the statuses, and when they may ask again.

The official clients repeat 408, 409, 429 and every 5xx on their own, without a key that tells the
two orders apart. ``x-should-retry: false`` keeps them from it wherever something was or may have
been bought.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from image_service.errors import ImageServiceError
from image_service.problems import KINDS
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
        code: That of the problem; one that nobody knows is answered as ``internal``.
        outcome: What became of the money.
        retry_after_s: When it may be asked again; None when nobody says.
    """

    def __init__(self, code: str, *, outcome: Outcome, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.outcome = outcome
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
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
    is_passing: bool


# Where OpenAI has a code of its own, and another status for it; None for the problem's own.
_OPENAIS: dict[str, tuple[int | None, str]] = {
    "moderation-blocked": (400, "moderation_blocked"),
    "budget-exceeded": (429, "insufficient_quota"),
    "global-budget-exceeded": (None, "insufficient_quota"),
    "rate-limited": (None, "rate_limit_exceeded"),
}


# What the type says beside the code, as OpenAI has it.
_TYPES = {
    "moderation_blocked": "image_generation_user_error",
    "insufficient_quota": "insufficient_quota",
    "rate_limit_exceeded": "requests",
}
_FIRST_SERVER_STATUS = 500


def answer_of(error: NotMadeError) -> Answer:
    """Return how a failure is answered: as the problem of that code, in OpenAI's words."""
    name = error.code if error.code in KINDS else "internal"
    kind = KINDS[name]
    status, code = _OPENAIS.get(name, (None, name.replace("-", "_")))
    return Answer(
        status=status or kind.status,
        code=code,
        message=f"{kind.title}.",
        is_passing=kind.is_retryable,
    )


def error_object(failure: RefusedError | NotMadeError) -> dict[str, object]:
    """Return the ``error`` member of an answer or of an event."""
    if isinstance(failure, RefusedError):
        status, code, message, param = failure.status, failure.code, failure.message, failure.param
    else:
        answer = answer_of(failure)
        status, code, message, param = answer.status, answer.code, answer.message, None
    usual = "server_error" if status >= _FIRST_SERVER_STATUS else "invalid_request_error"
    return {"message": message, "type": _TYPES.get(code, usual), "param": param, "code": code}


def error_response(failure: RefusedError | NotMadeError) -> Response:
    """Answer with an error, and say whether asking again makes sense and costs nothing twice."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(failure, RefusedError):
        status = failure.status
    else:
        answer = answer_of(failure)
        status = answer.status
        may_repeat = answer.is_passing and failure.outcome == "not_bought"
        headers["X-Should-Retry"] = "true" if may_repeat else "false"
        if failure.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, round(failure.retry_after_s)))
    return JSONResponse({"error": error_object(failure)}, status, headers)
