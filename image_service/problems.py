"""What clients of jobs and blobs are told when something goes wrong (RFC 9457).

One table says for each code which status it has and whether the same request may succeed later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import JSONResponse, Response

from image_service import request_ids
from image_service.providers.usage import Outcome

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of problem: its status, its title, and whether to try again makes sense.

    Where something was or may have been bought it never does, whatever stands here.
    """

    status: int
    title: str
    is_retryable: bool = False


KINDS: dict[str, Kind] = {
    "invalid-request": Kind(status=422, title="The request cannot be understood"),
    "invalid-json": Kind(status=400, title="The body is not JSON"),
    "invalid-header": Kind(status=400, title="A header cannot be understood"),
    "invalid-parameter": Kind(status=400, title="A parameter cannot be understood"),
    "invalid-signature": Kind(status=403, title="The signature is not ours"),
    "not-found": Kind(status=404, title="It does not exist"),
    "not-acceptable": Kind(status=406, title="There is none of the formats that are accepted"),
    "too-large": Kind(status=413, title="The body is too long"),
    "not-json-type": Kind(status=415, title="The body is of another type than JSON"),
    "ambiguous": Kind(status=400, title="It cannot be told where the request ends"),
    "crowded": Kind(
        status=503, title="Too much is being sent at once, and this slowly", is_retryable=True
    ),
    "range": Kind(status=416, title="There is no such part"),
    "not-a-picture": Kind(status=422, title="It cannot be turned into a picture"),
    "busy": Kind(status=503, title="Too many pictures are being made", is_retryable=True),
    "storage-unavailable": Kind(
        status=503, title="The pictures cannot be reached", is_retryable=True
    ),
    "method-not-allowed": Kind(status=405, title="The path does not know this method"),
    "too-late": Kind(status=409, title="The job is finished"),
    "idempotency-conflict": Kind(
        status=409, title="The first request with this key is under way", is_retryable=True
    ),
    "idempotency-mismatch": Kind(status=422, title="The key was used for another request"),
    "trial-not-believed": Kind(status=403, title="The mark of a trial is not believed"),
    "trial-not-possible": Kind(status=403, title="A trial cannot have this"),
    "rate-limited": Kind(
        status=429, title="Too many orders of this customer wait", is_retryable=True
    ),
    "queue-full": Kind(status=503, title="Too many orders wait", is_retryable=True),
    "budget-exceeded": Kind(status=402, title="The customer's budget is used up"),
    "global-budget-exceeded": Kind(status=503, title="The shop's budget is used up"),
    "stopping": Kind(status=503, title="The service is stopping", is_retryable=True),
    "moderation-blocked": Kind(status=422, title="The provider will not paint this"),
    "provider-rate-limited": Kind(
        status=503, title="The provider takes no more orders just now", is_retryable=True
    ),
    "provider-quota": Kind(status=503, title="The provider's account is used up"),
    "provider-rejected": Kind(status=502, title="The provider refused our request"),
    "provider-unavailable": Kind(
        status=503, title="The provider was not reached, or failed", is_retryable=True
    ),
    "provider-bad-answer": Kind(status=502, title="The provider did not send the picture"),
    "provider-timeout": Kind(status=504, title="The provider did not answer in time"),
    "outcome-unknown": Kind(status=504, title="The order broke off while it was being made"),
    "internal": Kind(status=500, title="Something went wrong here"),
    "canceled": Kind(status=409, title="The job was canceled"),
    "expired": Kind(status=504, title="The job was not done before its deadline"),
    "gone": Kind(status=410, title="The image was deleted while it was made"),
}
_INTERNAL = KINDS["internal"]
_MAY_HAVE_BEEN_BOUGHT = (
    "Whether a picture was bought cannot be known: ordering again may buy a second one."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One answer.

    Attributes:
        code: A key of ``KINDS``; any other is answered as ``internal``.
        detail: One sentence about this occurrence; empty for none. Nothing that is secret.
        outcome: What became of the money; None where there was no order.
        retry_after_s: When to come back; None when it is not known.
        headers: Further fields of the answer.
        more: Further members of the document.
    """

    code: str
    detail: str = ""
    outcome: Outcome | None = None
    retry_after_s: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    more: dict[str, object] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Its row in the table."""
        return KINDS.get(self.code, _INTERNAL)

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later, and buys nothing twice."""
        return self.kind.is_retryable and self.outcome in (None, "not_bought")

    def document(self) -> dict[str, object]:
        """Return the members of RFC 9457, section 3.1, and ours."""
        kind = self.kind
        said: dict[str, object] = {
            "type": f"urn:figueira:problem:{self.code}",
            "title": kind.title,
            "status": kind.status,
            "code": self.code,
            "retryable": self.is_retryable,
        }
        detail = self.detail or (_MAY_HAVE_BEEN_BOUGHT if self.outcome == "unknown" else "")
        if detail:
            said["detail"] = detail
        if self.outcome is not None:
            said["outcome"] = self.outcome
        return said | self.more

    def response(self) -> Response:
        """Answer with it, under the name of the request."""
        headers = {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **self.headers,
        }
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        name = request_ids.CURRENT.get()
        said = ({"request_id": name} if name else {}) | self.document()
        return JSONResponse(said, self.kind.status, headers, media_type=MEDIA_TYPE)


class ProblemError(Exception):
    """The request is answered with ``problem``."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.problem.code}: {self.problem.detail or self.problem.kind.title}"
