"""Answers as API Gateway wants them, saying no more and no less than the application said."""

from __future__ import annotations

import json
import logging

from mangum.handlers import HTTPGateway
from mangum.types import Response

from image_service.problems import MEDIA_TYPE

_LOG = logging.getLogger("image_service.aws.gateway")

# 6 MB of JSON around base64, which makes four bytes of three.
_LONGEST_BODY_BYTES = 4_400_000


class ExactGateway(HTTPGateway):
    """Mangum's adapter for HTTP APIs, without the two things that it gets wrong for us.

    It gives every answer without a content type, such as a 304, one of its own; and Lambda drops
    an answer that is too long with an error that tells nobody why.
    """

    def __call__(self, response: Response) -> dict[str, object]:
        """Return the event's answer."""
        if len(response["body"]) > _LONGEST_BODY_BYTES:
            _LOG.error("answer_too_long bytes=%d", len(response["body"]))
            response = _too_long()
        answer = super().__call__(response)
        names = {bytes(name).lower() for name, _ in response["headers"]}
        headers = answer.get("headers")
        if b"content-type" not in names and isinstance(headers, dict):
            headers.pop("content-type", None)
        return answer


def _too_long() -> Response:
    body = {
        "type": "urn:figueira:problem:answer-too-long",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "The answer is longer than this host can send.",
        "code": "answer-too-long",
        "retryable": False,
    }
    return {
        "status": 500,
        "headers": [[b"content-type", MEDIA_TYPE.encode()]],
        "body": json.dumps(body, separators=(",", ":")).encode() + b"\n",
    }
