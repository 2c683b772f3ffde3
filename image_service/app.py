"""The composition root: settings become parts, parts become an ASGI application.

``uvicorn image_service.app:app`` works as any ASGI server does; nothing happens on import.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from image_service.blob_pages import BlobPages
from image_service.blobs.facts import KnownBlobs
from image_service.blobs.opening import open_blobs
from image_service.derivatives.making import Derivatives
from image_service.derivatives.rendering import render
from image_service.errors import (
    BlobStoreError,
    MethodError,
    MissingBlobError,
    PromptError,
    RequestError,
    StartupError,
)
from image_service.health import Health
from image_service.images import Images
from image_service.legacy_style import allow_response, page
from image_service.orders import Orders
from image_service.providers.local import LocalProvider
from image_service.providers.port import Provider
from image_service.sending import Sender
from image_service.settings import Settings, read_settings
from image_service.store import Store, open_store
from image_service.tasks import Tasks

_LOG = logging.getLogger("image_service.app")

# What is left when the server has closed its connections: orders whose customers went away.
_DRAIN_GRACE_S = 1.0


def create_app(settings: Settings | None = None, *, provider: Provider | None = None) -> Starlette:
    """Build the application; it opens its database and blobs when its lifespan starts.

    While it runs, ``state.drain`` ends orders under way: it waits for them for the given seconds,
    then records them as failed.

    Args:
        settings: None reads the environment, at the start of the lifespan.
        provider: Paints instead of the one that the settings name.
    """

    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        chosen = read_settings(os.environ) if settings is None else settings
        tasks = Tasks()
        application.state.drain = tasks.drain
        async with _open_routes(chosen, provider, tasks) as routes:
            application.router.routes[:] = routes
            try:
                yield
            finally:
                application.router.routes.clear()

    application = Starlette(
        lifespan=lifespan,
        exception_handlers={
            HTTPException: _answer_http_exception,
            RequestError: _answer_refused,
            PromptError: _answer_failure,
            MissingBlobError: _answer_failure,
            BlobStoreError: _answer_failure,
            ClientDisconnect: _answer_nobody,
            Exception: _answer_failure,
        },
    )
    application.router.redirect_slashes = False
    return application


@asynccontextmanager
async def _open_routes(
    settings: Settings, provider: Provider | None, tasks: Tasks
) -> AsyncIterator[list[Route]]:
    """Open what the routes need, and close it afterwards in the opposite order.

    Raises:
        StartupError: The database or the blob folder cannot be used.
    """
    clock = time.time  # noqa: TID251 - the one clock, injected from here
    blobs = await open_blobs(settings.blob_place, clock=clock)
    store = await open_store_of(settings)
    painter = provider or open_provider(settings)
    orders = Orders(
        store=store,
        blobs=blobs,
        provider=painter,
        tasks=tasks,
        concurrency=settings.concurrency,
        clock=clock,
    )
    known = KnownBlobs(blobs)
    sender = Sender(blobs, redirect_over_bytes=settings.redirect_over_bytes)
    pages = BlobPages(
        known=known,
        derivatives=Derivatives(blobs=blobs, known=known, tasks=tasks, render=render),
        sender=sender,
        url_key=settings.url_key,
    )
    images = Images(store=store, orders=orders, known=known, sender=sender)
    try:
        yield [
            *pages.routes(),
            *images.routes(),
            *Health(store=store, blobs=blobs).routes(),
        ]
    finally:
        await tasks.drain(_DRAIN_GRACE_S)
        await painter.close()
        await store.close()


async def open_store_of(settings: Settings) -> Store:
    """Open the database and see that it works.

    Raises:
        StartupError: It does not.
    """
    url = settings.database
    try:
        if url.get_backend_name() == "sqlite" and url.database is not None:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        store = open_store(url)
        await store.prepare()
    except (OSError, SQLAlchemyError, ImportError) as error:
        cause = getattr(error, "orig", None) or error
        lines = str(cause).splitlines() or [""]
        raise StartupError(
            where=f"IMAGE_DATABASE_URL ({url.render_as_string(hide_password=True)})",
            why=f"the database cannot be used ({type(cause).__name__}: {lines[0]})",
            remedy="check that it runs and that this user may create tables there",
        ) from error
    return store


def open_provider(settings: Settings) -> Provider:
    """Return who paints."""
    if settings.provider == "procedural" or settings.openai_api_key is None:
        return LocalProvider(settings.delay_s)
    # Importing the SDK takes more than a second, which only its users should wait.
    from image_service.providers.openai import OpenAIProvider  # noqa: PLC0415

    return OpenAIProvider(
        model=settings.model,
        api_key=settings.openai_api_key,
        base_url=settings.openai_base_url,
    )


async def _answer_http_exception(_request: Request, error: Exception) -> Response:
    """Answer what Starlette itself refuses: a path that does not exist."""
    return page(error.status_code if isinstance(error, HTTPException) else 500)


async def _answer_refused(_request: Request, error: Exception) -> Response:
    if isinstance(error, MethodError):
        return allow_response(error.allowed, refused=True)
    return page(error.status if isinstance(error, RequestError) else 500)


async def _answer_failure(request: Request, error: Exception) -> Response:
    path = request.url.path[:200]
    _LOG.error("request_failed method=%s path=%r error=%s", request.method, path, error)
    return page(500)


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    """The client left before its body was complete; the server wants some answer."""
    return Response(status_code=400)


app = create_app()
