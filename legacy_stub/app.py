"""The monolith as an ASGI application: ``uvicorn --http h11 legacy_stub.app:app``.

Everything a request does happens in one small pool of threads that products and images share, as in
the original with its few synchronous workers: while images are drawn in all of them, the whole shop
waits. Only reading the body happens outside.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy.orm import Session, sessionmaker
from starlette import requests
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from image_service.providers import procedural
from legacy_stub import tracing
from legacy_stub.database import open_database
from legacy_stub.flask_style import Answer, HttpError, Request, error_page
from legacy_stub.gallery.local import Paint
from legacy_stub.gallery.opening import open_gallery
from legacy_stub.gallery.port import GalleryError
from legacy_stub.gallery.remote import MARK
from legacy_stub.images import Images
from legacy_stub.products import Products
from legacy_stub.routing import Rule, dispatch, rule
from legacy_stub.settings import Profile, Settings, load
from legacy_stub.shop import ShopPages
from legacy_stub.shop_accounts import Accounts
from legacy_stub.shop_key import session_key
from legacy_stub.shop_pictures import PicturesBehindDoors
from legacy_stub.shop_session import SessionCookies
from legacy_stub.stopping import Stopping, StoppingError

BESIDE = 1  # database connections of threads outside the pool: the one that compares images
BODY_LIMIT_BYTES = 1024 * 1024  # 250 times the longest prompt; each waiting request holds its body

log = logging.getLogger("legacy_stub")


SAID_INSTEAD: Mapping[Profile, Mapping[int, int]] = {
    Profile.FLASK31: {},
    Profile.FLASK22: {415: 400},  # of a body that is not declared as JSON
}
"""By profile: the status of a fault -> the one that is answered instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The running monolith, from start-up to shutdown."""

    rules: Sequence[Rule]
    pool: ThreadPoolExecutor
    profile: Profile

    async def answer(self, request: Request) -> Answer:
        """Answer ``request`` as soon as one of the shared threads has handled it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, self._handle, request)

    def _handle(self, request: Request) -> Answer:
        tracing.enter(request.traceparent)
        try:
            return dispatch(self.rules, request)
        except HttpError as error:
            return error_page(SAID_INSTEAD[self.profile].get(error.status, error.status))
        except GalleryError as error:
            log.warning("no image in %s %r: %s", request.method, request.target[:200], error)
            return error_page(500)
        except StoppingError:
            log.warning("no image in %s: the server stops before it is there", request.method)
            return error_page(500)
        except Exception:  # the request's root: like Flask, log it and show the page
            log.exception("unhandled error in %s %r", request.method, request.target[:200])
            return error_page(500)


def create_app(settings: Settings | None = None, *, render: Paint = procedural.render) -> Starlette:
    """Build the application; nothing is opened or read before its lifespan starts.

    Args:
        settings: None reads the environment when the lifespan starts.
        render: Draws the pictures of the procedural provider.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_shop(settings or load(os.environ), render) as shop:
            app.state.shop = shop
            yield

    application = Starlette(lifespan=lifespan)
    # Starlette's router would redirect and refuse on its own: it gets no routes, only this default.
    application.router.redirect_slashes = False
    application.router.default = serve
    return application


@asynccontextmanager
async def open_shop(settings: Settings, render: Paint) -> AsyncIterator[Shop]:
    """Open database and threads; on leaving, stop waiting orders and let drawing ones finish.

    Raises:
        StartError: The database or the key of the sessions cannot be used.
    """
    stopping = Stopping()
    engine = open_database(settings.database_url, connections=settings.workers + BESIDE)
    sessions = sessionmaker(engine)
    gallery = open_gallery(settings, sessions, render=render, stopping=stopping)
    pool = ThreadPoolExecutor(max_workers=settings.workers, thread_name_prefix="legacy")
    images = Images(gallery.chosen)
    rules = (
        *Products(sessions).rules(),
        *images.rules(),
        *_open_pages(settings, sessions, images).rules(),
        rule("/static/<path>", {"GET": _no_such_file}),
    )
    try:
        yield Shop(rules=rules, pool=pool, profile=settings.profile)
    finally:
        stopping.set()
        await asyncio.to_thread(gallery.close)
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        engine.dispose()


def _open_pages(settings: Settings, sessions: sessionmaker[Session], images: Images) -> ShopPages:
    """Prepare the shop's pages.

    Raises:
        StartError: The key of the sessions cannot be kept.
    """
    accounts = Accounts(sessions)
    accounts.seed(settings.seed_password)
    return ShopPages(
        sessions,
        pictures=PicturesBehindDoors(create=images.create, all_images=images.all),
        accounts=accounts,
        cookies=SessionCookies(session_key(settings.secret_key, settings.database_url)),
    )


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request; the ASGI door of the shop."""
    if scope["type"] == "websocket":
        await WebSocketClose()(scope, receive, send)
        return
    shop: Shop = scope["app"].state.shop
    try:
        _check_no_loop(scope)
        answer = await shop.answer(await _read(scope, receive))
    except requests.ClientDisconnect:
        return
    except HttpError as error:
        answer = error_page(error.status)
    except asyncio.CancelledError:  # the task's root: it ends here either way, but with a page
        log.warning("the server stops before %s %r is done", scope["method"], scope["path"][:200])
        answer = error_page(500)
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    # a lower-case "head" gets its body: neither the original nor HTTP take it for HEAD
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})


def _check_no_loop(scope: Scope) -> None:
    """Refuse what a monolith asked an image service for; each round would hold one of its threads.

    Raises:
        HttpError: 500 when it came here instead.
    """
    if scope["path"].startswith("/images") and MARK in requests.Request(scope).headers:
        words = "%s %r was meant for the image service: IMAGE_SERVICE_URL leads to a monolith"
        log.error(words, scope["method"], scope["path"][:200])
        raise HttpError(500)


async def _read(scope: Scope, receive: Receive) -> Request:
    """Read the whole request.

    Raises:
        HttpError: 413 when the body is longer than the limit.
        ClientDisconnect: The customer left before the body was complete.
    """
    request = requests.Request(scope, receive)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise HttpError(413)
    # a server may leave the raw path out (ASGI makes it optional): then the decoded one has to do
    raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    host, port = scope.get("server") or ("", 0)
    return Request(
        method=scope["method"].upper(),
        target=(raw_path + query).decode("latin-1"),
        host=request.headers.get("host"),
        server=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        # of several the last one counts, as in a WSGI environment
        content_type=(request.headers.getlist("content-type") or [""])[-1],
        body=bytes(body),
        cookie="; ".join(request.headers.getlist("cookie")),
        traceparent=request.headers.get("traceparent", ""),
        is_https=request.headers.get("x-forwarded-proto", scope.get("scheme")) == "https",
    )


def _no_such_file(_request: Request, _number: int) -> Answer:
    """Answer for Flask's own static route: the original has no such folder."""
    raise HttpError(404)


app = create_app()
