"""``/images/blobs/<sha256>[.avif|.webp|.jpg|.png]``: pictures under names that never change."""

from __future__ import annotations

import base64
import logging
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from image_service.blobs.facts import Facts, KnownBlobs
from image_service.derivatives.making import Derivatives
from image_service.derivatives.negotiation import negotiate
from image_service.derivatives.recipe import Asked, Format, parse_asked
from image_service.errors import (
    BusyError,
    ImageServiceError,
    MissingBlobError,
    UnreadablePictureError,
)
from image_service.problems import Problem, ProblemError
from image_service.resource import without_body
from image_service.sending import Sender
from image_service.trials.marks import HEADER

_LOG = logging.getLogger("image_service.blob_pages")

_ALLOW = {"Allow": "GET, HEAD, OPTIONS"}
_MEDIA_TYPES: dict[Format, str] = {
    "avif": "image/avif",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "png": "image/png",
}
# RFC 8246: what is under a hash stays as it is; a year is the longest that RFC 9111 knows.
_FOREVER = "public, max-age=31536000, immutable"
# Should a blob ever hold a page or an SVG, it can run nothing and load nothing.
_INERT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
# The longest valid query is some 80 characters.
_LONGEST_QUERY = 512


class BlobPages:
    """An ASGI application for the blobs' path."""

    def __init__(
        self, *, known: KnownBlobs, derivatives: Derivatives, sender: Sender, url_key: bytes | None
    ) -> None:
        self._known = known
        self._derivatives = derivatives
        self._sender = sender
        self._url_key = url_key

    def routes(self) -> list[Route]:
        """Return the path; it has to come before ``/images/{id}/file``."""
        return [Route("/images/blobs/{name}", self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, without_body(send) if request.method == "HEAD" else send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_ALLOW)
        if request.method not in ("GET", "HEAD"):
            detail = "Blobs can only be read."
            return Problem(code="method-not-allowed", detail=detail, headers=_ALLOW).response()
        try:
            return await self._read_known(request)
        except ProblemError as error:
            return error.problem.response()
        except (ImageServiceError, OSError) as error:
            return _failure(error).response()

    async def _read_known(self, request: Request) -> Response:
        """Read, and once more if what was remembered is no longer there."""
        try:
            return await self._read(request)
        except MissingBlobError as missing:
            if self._known.recall(missing.sha256) is None:
                raise
            self._known.forget(missing.sha256)
        return await self._read(request)

    async def _read(self, request: Request) -> Response:
        asked = parse_asked(request.path_params["name"], _query(request), url_key=self._url_key)
        headers = {"Cache-Control": _FOREVER, "Content-Security-Policy": _INERT}
        media_format = asked.media_format
        if media_format is None and asked.is_sized:
            headers["Vary"] = "Accept"
            media_format = _negotiated(request)
        facts = await self._facts(asked, media_format, is_trial=HEADER in request.headers)
        headers["Repr-Digest"] = f"sha-256=:{_base64(facts.sha256)}:"
        if facts.key != asked.sha256:
            # Whoever looks for its provenance finds it there.
            headers["Link"] = f'</images/blobs/{asked.sha256}>; rel="canonical"'
        response = await self._sender.answer(request, facts, headers)
        if response.status_code == 416:  # noqa: PLR2004 - Range Not Satisfiable
            size = {"Content-Range": response.headers["Content-Range"]}
            detail = "The range begins behind the end."
            return Problem(code="range", detail=detail, headers=size).response()
        return response

    async def _facts(self, asked: Asked, media_format: Format | None, *, is_trial: bool) -> Facts:
        """Find what to send: the original if it is what was asked for, byte for byte."""
        # First of all: whoever makes names up waits for nothing and keeps nobody waiting.
        original = await self._known.original(asked.sha256)
        if media_format is None:
            return original
        if not asked.is_sized and original.media_type == _MEDIA_TYPES[media_format]:
            return original
        if original.media_type not in _MEDIA_TYPES.values():
            raise UnreadablePictureError(f"{original.media_type} is not decoded")
        if is_trial:
            detail = "Trials are for originals: what is made of them would be kept."
            raise ProblemError(Problem(code="trial-not-possible", detail=detail))
        return await self._derivatives.find(asked.sha256, asked.recipe(media_format))


def _failure(error: ImageServiceError | OSError) -> Problem:
    match error:
        case MissingBlobError():
            return Problem(code="not-found", detail="There is no such blob.")
        case UnreadablePictureError():
            _LOG.warning("blob_unreadable reason=%r", error.reason)
            return Problem(code="not-a-picture")
        case BusyError():
            return Problem(code="busy", retry_after_s=1)
        case OSError():
            _LOG.error("blob_store_failed error=%s", error)
            return Problem(code="storage-unavailable", retry_after_s=5)
        case _:
            raise error


def _query(request: Request) -> list[tuple[str, str]]:
    query = request.url.query
    if len(query) > _LONGEST_QUERY:
        raise ProblemError(Problem(code="invalid-parameter", detail="The query is too long."))
    return parse_qsl(query, keep_blank_values=True)


def _negotiated(request: Request) -> Format:
    fields = request.headers.getlist("accept")
    media_format = negotiate(", ".join(fields) if fields else None)
    if media_format is None:
        detail = "There are AVIF, WebP, JPEG and PNG."
        vary = {"Vary": "Accept"}
        raise ProblemError(Problem(code="not-acceptable", detail=detail, headers=vary))
    return media_format


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()
