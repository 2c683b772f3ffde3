"""The admin port as a Starlette application."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.admin.guard import HEADERS, MAX_BODY_BYTES, Guard
from gateway.admin.operation_pages import OperationPages
from gateway.admin.operations import Operations
from gateway.admin.pages import Pages
from gateway.admin.problem import problem
from gateway.admin.run_pages import RunPages, Runs
from gateway.admin.view import AdminView

_DETAILS = {
    404: "There is no such page; / lists those there are.",
    413: f"A body may have {MAX_BODY_BYTES} bytes at most.",
}


def create_app(
    gateway: AdminView,
    operations: Operations | None = None,
    allowed_hosts: Iterable[str] = (),
    runs: Runs | None = None,
) -> Starlette:
    """The application.

    Args:
        gateway: What the pages show.
        operations: What can be done here; None leaves those pages out.
        allowed_hosts: Names without port, beside localhost and any address, by which the admin
            port may be asked.
        runs: What parallel runs have shown; None leaves those pages out.
    """
    pages = Pages(gateway)
    app = Starlette(
        routes=[
            Route("/", pages.index),
            Route("/livez", pages.livez),
            Route("/readyz", pages.readyz),
            Route("/healthz", pages.readyz),
            Route("/metrics", pages.metrics),
            Route("/api/status", pages.status),
            Route("/api/snapshot", pages.snapshot),
            *(OperationPages(operations).routes() if operations is not None else ()),
            *(RunPages(runs).routes() if runs is not None else ()),
        ],
        middleware=[
            Middleware(Guard, allowed_hosts=tuple(allowed_hosts)),
            # The guard refuses by Content-Length; this counts what comes without one.
            Middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY_BYTES),
        ],
        exception_handlers={HTTPException: _refuse, Exception: _apologise},
    )
    # A redirect would be built from the request's own words.
    app.router.redirect_slashes = False
    return app


async def _refuse(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status, headers = error.status_code, None
    detail = _DETAILS.get(status, error.detail)
    if error.headers and "Allow" in error.headers:
        # Starlette names the methods of a 405 in any order.
        allowed = "GET, HEAD" if "GET" in error.headers["Allow"] else "POST"
        headers = {"Allow": allowed}
        is_read = allowed != "POST"
        detail = "This page is only read: use GET." if is_read else "This page is told: use POST."
    return problem(status, detail, headers)


async def _apologise(_request: Request, _error: Exception) -> Response:
    """The last resort; Starlette logs the error after this answer. It lies outside the guard."""
    return problem(500, "The admin port failed; the reason is in the log.", HEADERS)
