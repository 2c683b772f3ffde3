"""Handlers of ``/v1``: what OpenAI's own clients find when their base URL is this service."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from image_service import request_ids
from image_service.blobs import BlobStore
from image_service.contract import BODY_LIMIT_BYTES
from image_service.jobs.customers import customer_of
from image_service.jobs.idempotency import KeyFormError, read_key
from image_service.jobs.timing import HEADER as TIMING
from image_service.jobs.timing import together
from image_service.openai_api.answering import images_members, summed
from image_service.openai_api.asking import Generation, check_model, read_generation
from image_service.openai_api.encoding import Encodings
from image_service.openai_api.failing import NotMadeError, RefusedError, error_response
from image_service.openai_api.making import Ask, Made, Maker
from image_service.openai_api.streaming import Streaming
from image_service.openai_api.writing import images_parts, parts_response
from image_service.tasks import Tasks
from image_service.trials.marks import HEADER

# As long as the column that keeps it.
_TRACEPARENT_CHARACTERS = 80
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
_ALLOWED = {
    "/v1/images/generations": "POST",
    "/v1/models": "GET, HEAD",
    "/v1/models/": "GET, HEAD",
}
# What the Images API has besides, and why it is not here.
_NOT_HERE = {
    "/v1/images/edits": "Pictures are made from words here, not from pictures.",
    "/v1/images/variations": "This endpoint accepts no requests any more, here or at OpenAI.",
}


class OpenAISurface:
    """Speaks the Images API.

    Args:
        maker: Carries orders out.
        blobs: Where their pictures are.
        models: The names under which it paints, the first of them its own.
        tasks: Owns what outlives a request.
        clock: Seconds since 1970, UTC.
    """

    def __init__(
        self,
        *,
        maker: Maker,
        blobs: BlobStore,
        models: Sequence[str],
        tasks: Tasks,
        clock: Callable[[], float],
    ) -> None:
        self._maker = maker
        self._models = tuple(models)
        self._clock = clock
        self._blobs = blobs
        self._encodings = Encodings(blobs)
        self._streaming = Streaming(
            maker=maker, blobs=blobs, encodings=self._encodings, tasks=tasks, clock=clock
        )

    def routes(self) -> list[Route]:
        """Return the paths; whatever else begins with ``/v1`` does not exist in OpenAI's words."""
        return [
            Route("/v1/images/generations", self.generate, methods=["POST"]),
            Route("/v1/models", self.list_models, methods=["GET"]),
            Route("/v1/models/{model:path}", self.show_model, methods=["GET"]),
            Route("/v1/{rest:path}", _nowhere, methods=list(_METHODS)),
        ]

    async def generate(self, request: Request) -> Response:
        """Make pictures and answer them, or a stream that ends with one."""
        try:
            body = await _read_body(request)
            asked = read_generation(body, self._models)
            asks = [_ask(request, body, asked, number) for number in range(asked.count)]
            if asked.is_streamed:
                return await self._streaming.answer(asked, asks[0])
            return await self._answer(request, asked, asks)
        except (RefusedError, NotMadeError) as failure:
            return error_response(failure)

    async def _answer(self, request: Request, asked: Generation, asks: list[Ask]) -> Response:
        """Answer those that could be made: they are paid for, though others failed.

        Raises:
            NotMadeError: None could.
        """
        results = await self._maker.make_all(asks)
        made = [result for result in results if isinstance(result, Made)]
        for failure in results:
            if isinstance(failure, BaseException) and not (made and _is_expected(failure)):
                raise failure
        usage = summed([picture.usage for picture in made])
        headers = {"Cache-Control": "no-store", "X-Image-Provider": made[0].provider}
        if all(picture.is_replay for picture in made):
            headers["Idempotency-Replayed"] = "true"
        else:
            slowest = together([each.timing for each in made if not each.is_replay])
            headers[TIMING] = str(slowest)
        said = images_members(asked, usage=usage, now=self._clock())
        if asked.is_url:
            data = [{"url": _address(request, picture)} for picture in made]
            return JSONResponse({"data": data} | said, headers=headers)
        held = [await self._encodings.final(picture.sha256, asked) for picture in made]
        return parts_response(self._blobs, images_parts(said, held), headers)

    async def list_models(self, _request: Request) -> Response:
        """Answer the names under which this service paints."""
        listed = [_model(name) for name in self._models]
        return JSONResponse({"object": "list", "data": listed})

    async def show_model(self, request: Request) -> Response:
        """Answer one of those names."""
        name = str(request.path_params["model"])
        try:
            check_model(name, self._models)
        except RefusedError as refusal:
            return error_response(refusal)
        return JSONResponse(_model(name))


def _is_expected(failure: BaseException) -> bool:
    return isinstance(failure, NotMadeError)


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "figueira"}


def _ask(request: Request, body: bytes, asked: Generation, number: int) -> Ask:
    """Read who asks, and under which key.

    Raises:
        RefusedError: A header cannot be understood, or it is a copy of a parallel run.
    """
    if HEADER in request.headers:
        # What is painted for a trial must leave nothing behind, and only /images can do that.
        raise RefusedError("Trials are for /images.", status=403, code="trial_not_possible")
    try:
        key = read_key(request.headers.getlist("idempotency-key"))
    except KeyFormError as error:
        message = "Idempotency-Key is not one string of 1 to 255 characters."
        raise RefusedError(message, code="invalid_header") from error
    customer = customer_of(
        headers=request.headers,
        cookies=request.cookies,
        address=request.client.host if request.client else None,
    )
    return Ask(
        order=asked.order,
        body=body,
        key=None if key is None else f"{key}#{number}",
        customer=customer,
        traceparent=request.headers.get("traceparent", "")[:_TRACEPARENT_CHARACTERS] or None,
        request_id=request_ids.CURRENT.get() or None,
        wants_address=asked.is_url,
        on_partial=None,
    )


def _address(request: Request, made: Made) -> str:
    return str(request.base_url.replace(path=made.path, query="", fragment=""))


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_LIMIT_BYTES:
            raise RefusedError(
                f"The body is longer than {BODY_LIMIT_BYTES} bytes.",
                status=413,
                code="request_too_large",
            )
    return bytes(body)


async def _nowhere(request: Request) -> Response:
    return answer_unknown(request)


def is_here(request: Request) -> bool:
    """Whether a path is one of this surface, there or not."""
    return request.url.path.startswith("/v1/")


def answer_unknown(request: Request) -> Response:
    """Answer a path that there is not, or a method that it does not have."""
    path = request.url.path
    allowed = _ALLOWED.get("/v1/models/" if path.startswith("/v1/models/") else path)
    if allowed is None or request.method in allowed:
        why = _NOT_HERE.get(path.rstrip("/"), "There is no such endpoint here.")
        return error_response(RefusedError(why, status=404, code="unknown_url"))
    why = f"This endpoint is for {allowed}."
    response = error_response(RefusedError(why, status=405, code="method_not_allowed"))
    response.headers["Allow"] = allowed
    return response


def answer_fault() -> Response:
    """Answer a fault of our own, after which nobody may ask again without thinking."""
    return error_response(NotMadeError("internal", outcome="unknown"))


def answer_crowded(retry_after_s: int) -> Response:
    """Answer who was given up while the body came: nothing is ordered, and may be asked again."""
    error = NotMadeError("crowded", outcome="not_bought", retry_after_s=retry_after_s)
    return error_response(error)


def answer_ambiguous() -> Response:
    """Answer a request whose end cannot be told."""
    why = "A request has a Content-Length or a Transfer-Encoding, and not both."
    return error_response(RefusedError(why, code="ambiguous_request"))
