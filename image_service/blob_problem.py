"""Error answers for programs: application/problem+json (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
# Whoever asks again later may well get what was asked for.
_RETRYABLE = frozenset({429, 503})


def problem(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a problem; it may not be cached longer than the client's patience.

    Args:
        status: HTTP status.
        code: What is wrong, for programs.
        detail: One sentence for people; never anything that the request brought.
        headers: Further fields.
    """
    body = {
        "type": f"urn:figueira:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": status in _RETRYABLE,
    }
    content = json.dumps(body, separators=(",", ":")).encode() + b"\n"
    fields = {"X-Content-Type-Options": "nosniff", **(headers or {})}
    return Response(content, status, headers=fields, media_type=MEDIA_TYPE)
