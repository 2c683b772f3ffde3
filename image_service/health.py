"""Is the process alive, and can it take orders?"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from image_service.blobs import BlobStore
from image_service.errors import ImageServiceError
from image_service.legacy_style import json_response
from image_service.resource import Resource
from image_service.store import Store

_LOG = logging.getLogger("image_service.health")

# A probe that waits longer than its caller tells nobody anything.
_CHECK_TIMEOUT_S = 2.0


class Health:
    """Handlers of the two probes."""

    def __init__(
        self,
        *,
        store: Store,
        blobs: BlobStore,
        writes: Callable[[], Awaitable[None]] | None = None,
        models: Callable[[], Awaitable[None]] | None = None,
        rests_s: Callable[[], float] | None = None,
    ) -> None:
        self._rests_s = rests_s
        self._store = store
        self._writes = writes
        self._checks: dict[str, Callable[[], Awaitable[None]]] = {
            "database": self._check_database,
            "blobs": blobs.check,
        }
        if models is not None:
            self._checks["models"] = models

    async def _check_database(self) -> None:
        """Read, and see that it can be written: without that no order is taken."""
        await self._store.check()
        if self._writes is not None:
            await self._writes()

    def routes(self) -> list[Route]:
        """Return the paths of the probes."""
        return [
            Route("/livez", Resource({"GET": self.live})),
            Route("/readyz", Resource({"GET": self.ready})),
        ]

    async def live(self, _request: Request, _image_id: int | None) -> Response:
        """Answer at once: nothing else needs to work for that."""
        return json_response({"status": "ok"})

    async def ready(self, _request: Request, _image_id: int | None) -> Response:
        """Answer 200 when every check passes, else 503; the reasons are in the log alone."""
        results = await asyncio.gather(
            *(_result(name, check) for name, check in self._checks.items())
        )
        checks = dict(zip(self._checks, results, strict=True))
        is_ready = set(results) == {"ok"}
        body: dict[str, object] = {
            "checks": checks,
            "status": "ready" if is_ready else "not ready",
        }
        # Orders are taken all the same, and wait.
        if self._rests_s is not None and (left_s := self._rests_s()) > 0:
            body["provider"] = {"state": "resting", "seconds": math.ceil(left_s)}
        return json_response(body, 200 if is_ready else 503)


async def _result(name: str, check: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_S):
            await check()
    except (OSError, SQLAlchemyError, ImageServiceError) as error:
        _LOG.warning("check_failed name=%s error=%s", name, type(error).__name__)
        return "failed"
    return "ok"
