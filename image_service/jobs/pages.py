"""The job surface: ``/images/jobs/<id>``, its events, its cancel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from image_service.jobs import states
from image_service.jobs.documents import document, etag_of
from image_service.jobs.entries import Entry
from image_service.jobs.identity import is_job_id
from image_service.jobs.preferences import read_prefer
from image_service.jobs.reading import Reading
from image_service.jobs.states import FinishedError
from image_service.jobs.stream import Stream, read_last_id
from image_service.jobs.timing import HEADER as TIMING
from image_service.jobs.timing import timing_of
from image_service.orders import Orders
from image_service.problems import Problem, ProblemError

Handler = Callable[[Request, Entry], Awaitable[Response]]


class JobPages:
    """Handlers of the job paths. Whoever knows a job's name may ask for it: nobody can guess it."""

    def __init__(
        self,
        *,
        orders: Orders,
        reading: Reading,
        stream: Stream,
        is_trial: Callable[[Request], bool],
        clock: Callable[[], float],
    ) -> None:
        self._orders = orders
        self._clock = clock
        self._is_trial = is_trial
        self._reading = reading
        self._stream = stream

    def routes(self) -> list[Route]:
        """Return the paths and what they answer."""
        paths: dict[str, dict[str, Handler]] = {
            "/images/jobs/{id}": {"GET": self.show, "DELETE": self.cancel},
            "/images/jobs/{id}/cancel": {"POST": self.cancel},
            "/images/jobs/{id}/events": {"GET": self.follow},
        }
        return [
            Route(path, _JobResource(self._reading, handlers)) for path, handlers in paths.items()
        ]

    async def show(self, request: Request, entry: Entry) -> Response:
        """Answer a job; with ``Prefer: wait=N`` once it has changed, or the time is over."""
        known = _tags(request)
        position = await self._reading.position(entry)
        pause = self._orders.pause(entry)
        prefer = read_prefer(request.headers.getlist("prefer"))
        if (
            prefer.wait_s
            and not entry.job.is_final
            and (not known or etag_of(entry, position, pause) in known)
        ):
            version = entry.job.version if known else 0
            waited = await self._orders.wait(
                entry.job.job_id, after=version, timeout_s=prefer.wait_s
            )
            entry = waited or entry
            position = await self._reading.position(entry)
        response = self._answer(entry, position, known)
        if prefer.wait_s is not None:
            response.headers["Preference-Applied"] = f"wait={prefer.wait_s}"
        return response

    def _answer(self, entry: Entry, position: int | None, known: set[str]) -> Response:
        pause = self._orders.pause(entry)
        etag = etag_of(entry, position, pause)
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if not entry.job.is_final:
            headers["Retry-After"] = str(self._orders.retry_after_s(pause))
        if etag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        headers[TIMING] = str(timing_of(entry))
        return JSONResponse(document(entry, position=position, pause=pause), headers=headers)

    async def cancel(self, request: Request, entry: Entry) -> Response:
        """Cancel: 200 when that is done, 202 when its worker has still to break off."""
        try:
            canceled = await (self._rehearse if self._is_trial(request) else self._cancel)(entry)
        except FinishedError as error:
            detail = f"It is {entry.job.state}."
            raise ProblemError(Problem(code="too-late", detail=detail)) from error
        if canceled is None:
            raise ProblemError(Problem(code="not-found"))
        status = 200 if canceled.job.is_final else 202
        return JSONResponse(document(canceled, position=None), status)

    async def _cancel(self, entry: Entry) -> Entry | None:
        return await self._orders.cancel(entry.job.job_id)

    async def _rehearse(self, entry: Entry) -> Entry:
        """Return what a cancel would come to, and cancel nothing."""
        return replace(entry, job=states.cancel(entry.job, now=self._clock()))

    async def follow(self, request: Request, entry: Entry) -> Response:
        """Stream what happens to a job; 204 tells a client to stop asking (it has seen the end)."""
        # A number that no event has had yet would hold the stream open for ever.
        after = min(read_last_id(request.headers.get("last-event-id")), entry.job.version)
        if entry.job.is_final and after >= entry.job.version:
            return Response(status_code=204)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            self._stream.follow(entry, after), headers=headers, media_type="text/event-stream"
        )


class _JobResource:
    """One path below a job, as an ASGI application; every refusal is a problem document."""

    def __init__(self, reading: Reading, handlers: Mapping[str, Handler]) -> None:
        self._reading = reading
        self._handlers = dict(handlers)
        if "GET" in self._handlers:
            self._handlers["HEAD"] = self._handlers["GET"]
        self._allowed = ", ".join(sorted((*self._handlers, "OPTIONS")))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ProblemError as error:
            response = error.problem.response()
        if request.method == "HEAD":
            # Its headers are those of GET; a stream would never end.
            response = Response(status_code=response.status_code, headers=response.headers)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": self._allowed})
        handler = self._handlers.get(request.method)
        if handler is None:
            response = Problem(code="method-not-allowed").response()
            response.headers["Allow"] = self._allowed
            return response
        job_id = request.path_params["id"]
        entry = await self._reading.job(job_id) if is_job_id(job_id) else None
        if entry is None:
            raise ProblemError(Problem(code="not-found"))
        return await handler(request, entry)


def _tags(request: Request) -> set[str]:
    """Return the entity tags of ``If-None-Match``, weak ones as strong (RFC 9110, 13.1.2)."""
    listed = ",".join(request.headers.getlist("if-none-match"))
    return {tag.strip().removeprefix("W/") for tag in listed.split(",") if tag.strip()}
