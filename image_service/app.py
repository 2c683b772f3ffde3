"""The composition root: settings become parts, parts become an ASGI application.

``uvicorn image_service.app:app`` works as any ASGI server does; nothing happens on import.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from image_service.backfill.landing import Landing
from image_service.backfill.watermark import Watermark
from image_service.blob_pages import BlobPages
from image_service.blobs.facts import KnownBlobs
from image_service.bodies import RETRY_AFTER_S, Bounded, CrowdedError, Framed
from image_service.build import BuildHeader
from image_service.derivatives.making import Derivatives
from image_service.derivatives.rendering import render
from image_service.errors import (
    BlobStoreError,
    MethodError,
    MissingBlobError,
    PromptError,
    RequestError,
)
from image_service.health import Health
from image_service.images import Images
from image_service.jobs.pages import JobPages
from image_service.jobs.preferences import read_prefer
from image_service.jobs.stream import Stream
from image_service.ledger.prices import Prices
from image_service.legacy_style import allow_response, page
from image_service.openai_api import surface as openai
from image_service.openai_api.making import JobsMaker
from image_service.openapi.document import document_route
from image_service.ordering import Manners, Ordering
from image_service.parts import Parts, open_parts
from image_service.problems import Problem, ProblemError
from image_service.providers.assembly import open_model_check
from image_service.providers.catalogue import offered_models
from image_service.providers.checked import CheckedProvider
from image_service.providers.local import LocalProvider, Temper
from image_service.providers.port import Provider
from image_service.request_ids import Named
from image_service.sending import Sender
from image_service.settings import Settings, read_settings
from image_service.store import Store
from image_service.tasks import Tasks
from image_service.trials.sandbox import Sandbox

_LOG = logging.getLogger("image_service.app")

# What is left when the server has closed its connections: orders whose customers went away.
_DRAIN_GRACE_S = 1.0
# A database that does not answer is no fault of the program: a line in the log, and no traceback.
_DATABASE_TROUBLES = (DBAPIError, PoolTimeoutError, OSError)
# What it says of a statement that no other moment would have made right.
_BUGS = (DataError, IntegrityError, ProgrammingError)


class _Service(Starlette):
    """An application whose every answer bears the name of its request, those to faults as well."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer under that name."""
        await Named(super().__call__)(scope, receive, send)


def create_app(
    settings: Settings | None = None,
    *,
    provider: Provider | None = None,
    prices: Prices | None = None,
) -> Starlette:
    """Build the application; it opens its database and blobs when its lifespan starts.

    While it runs, ``state.drain`` ends orders under way: it begins no more, waits for the others
    for the given seconds, then breaks them off. What has not begun stays on record.

    Args:
        settings: None reads the environment, at the start of the lifespan.
        provider: Paints instead of the one that the settings name.
        prices: What that one costs; None takes the price table that the settings name.
    """

    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        chosen = read_settings(os.environ) if settings is None else settings
        async with open_parts(chosen, provider=provider, prices=prices) as parts:
            workshop = parts.workshop
            application.state.drain = workshop.stop
            application.state.build = chosen.build
            tasks = Tasks()
            routes = _routes(chosen, parts, tasks)
            application.router.routes[:] = routes
            workshop.start(makes_pictures=chosen.jobs.has_worker)
            try:
                yield
            finally:
                application.router.routes.clear()
                await workshop.stop(_DRAIN_GRACE_S)
                await tasks.drain(_DRAIN_GRACE_S)

    application = _Service(
        lifespan=lifespan,
        middleware=[Middleware(BuildHeader)],
        exception_handlers={
            HTTPException: _answer_http_exception,
            RequestError: _answer_refused,
            ProblemError: _answer_problem,
            PromptError: _answer_failure,
            MissingBlobError: _answer_failure,
            BlobStoreError: _answer_failure,
            **dict.fromkeys(_DATABASE_TROUBLES, _answer_failure),
            CrowdedError: _answer_crowded,
            ClientDisconnect: _answer_nobody,
            Exception: _answer_failure,
        },
    )
    application.router.redirect_slashes = False
    application.add_middleware(Bounded)
    application.add_middleware(Framed, refuse=_answer_ambiguous)
    return application


def _routes(settings: Settings, parts: Parts, tasks: Tasks) -> list[Route]:
    workshop = parts.workshop
    store = Store(parts.database)
    ordering = _ordering(settings, parts)
    jobs = JobPages(
        orders=workshop.orders,
        reading=workshop.reading,
        stream=Stream(reading=workshop.reading, watch=workshop.watch, pause=workshop.orders.pause),
        is_trial=ordering.is_trial,
        clock=parts.clock,
    )
    clients = openai.OpenAISurface(
        maker=JobsMaker(
            orders=workshop.orders,
            reading=workshop.reading,
            database=parts.database,
        ),
        blobs=parts.blobs,
        models=offered_models(settings.providers, settings.models),
        tasks=tasks,
        clock=parts.clock,
    )
    health = Health(
        store=store,
        blobs=parts.blobs,
        writes=workshop.writer.check,
        models=open_model_check(settings),
        rests_s=lambda: workshop.rests.left_s,
    )
    watermark = Watermark(Landing(parts.database), parts.clock)

    async def scrape(request: Request) -> Response:
        workshop.meter.imports.set(await watermark.read())
        workshop.meter.spooled.set(await workshop.spool.waiting())
        workshop.meter.rests(workshop.rests.left_s)
        return await workshop.meter.write(workshop.reading, request, now=workshop.clock())

    return [
        *jobs.routes(),
        *_picture_routes(settings, parts, ordering, tasks),
        *clients.routes(),
        *health.routes(),
        *watermark.routes(),
        Route("/metrics", scrape),
        document_route(),
    ]


def _picture_routes(
    settings: Settings, parts: Parts, ordering: Ordering, tasks: Tasks
) -> list[Route]:
    """Return the shop's images, and the blobs behind them, which come before ``/images/{id}``."""
    known = KnownBlobs(parts.blobs)
    sender = Sender(parts.blobs, redirect_over_bytes=settings.redirect_over_bytes)
    blobs = BlobPages(
        known=known,
        derivatives=Derivatives(blobs=parts.blobs, known=known, tasks=tasks, render=render),
        sender=sender,
        url_key=settings.url_key,
    )
    images = Images(
        store=Store(parts.database),
        orders=parts.workshop.orders,
        ordering=ordering,
        known=known,
        sender=sender,
    )
    return [*blobs.routes(), *images.routes()]


def _ordering(settings: Settings, parts: Parts) -> Ordering:
    workshop = parts.workshop
    sandbox = Sandbox(
        orders=workshop.orders,
        acceptance=workshop.acceptance,
        writer=workshop.writer,
        journal=workshop.journal,
        renderer=parts.rehearser or _renderer(settings),
    )
    return Ordering(
        orders=workshop.orders,
        sandbox=sandbox,
        meter=workshop.meter,
        manners=Manners(
            compat_wait_s=settings.jobs.compat_wait_s,
            joins_running=settings.jobs.joins_running,
            gateway_secret=settings.jobs.gateway_secret,
        ),
        clock=parts.clock,
    )


def _renderer(settings: Settings) -> Provider:
    """Paint for trials: never a provider that is paid, and none that fails on purpose."""
    draw = random.SystemRandom().random
    return CheckedProvider(LocalProvider(Temper(delay_s=settings.delay_s), draw=draw))


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer what Starlette itself refuses: a path that does not exist."""
    if openai.is_here(request):
        return openai.answer_unknown(request)
    return page(error.status_code if isinstance(error, HTTPException) else 500)


async def _answer_refused(_request: Request, error: Exception) -> Response:
    if isinstance(error, MethodError):
        return allow_response(error.allowed, refused=True)
    return page(error.status if isinstance(error, RequestError) else 500)


async def _answer_problem(_request: Request, error: Exception) -> Response:
    return error.problem.response() if isinstance(error, ProblemError) else page(500)


async def _answer_failure(request: Request, error: Exception) -> Response:
    path = request.url.path[:200]
    # The database's errors go on with the statement and a link.
    said = str(error).partition("\n")[0]
    _LOG.error(
        "request_failed method=%s path=%r error=%s",
        request.method,
        path,
        said,
        exc_info=error if isinstance(error, _BUGS) else None,
    )
    if openai.is_here(request):
        return openai.answer_fault()
    return Problem(code="internal").response() if _is_told_problems(request) else page(500)


def _is_told_problems(request: Request) -> bool:
    """Whether the client knows of jobs, and so of problem documents."""
    prefer = read_prefer(request.headers.getlist("prefer"))
    return prefer.is_stated or request.url.path.startswith("/images/jobs/")


async def _answer_crowded(request: Request, _error: Exception) -> Response:
    """The body came slowly, and others needed the room."""
    if openai.is_here(request):
        response = openai.answer_crowded(RETRY_AFTER_S)
    elif _is_told_problems(request):
        response = Problem(code="crowded", retry_after_s=RETRY_AFTER_S).response()
    else:
        response = page(503)
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    # What is still to come of the body is not waited for.
    response.headers["Connection"] = "close"
    return response


async def _answer_ambiguous(request: Request) -> Response:
    if openai.is_here(request):
        return openai.answer_ambiguous()
    return Problem(code="ambiguous").response() if _is_told_problems(request) else page(400)


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    """The client left before its body was complete; the server wants some answer."""
    return Response(status_code=400)


app = create_app()
