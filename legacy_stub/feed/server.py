"""The feed's port, in a thread of its own beside the monolith.

It shares nothing with the monolith but the process: another event loop, other threads, other
database connections. A reader cannot make a customer wait for one of those.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Self

import anyio
import anyio.to_thread
import uvicorn
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette

from legacy_stub.database import open_database
from legacy_stub.feed.pictures import Pictures
from legacy_stub.feed.readers import Readers
from legacy_stub.feed.reading import Reader
from legacy_stub.feed.retention import Pruning, Retention
from legacy_stub.feed.web import THREADS, Changes, create_app
from legacy_stub.settings import Settings

PRUNE_EVERY_S = 60.0
# After each batch, which takes some milliseconds. SQLite lets who waits for the lock look again
# every 100 ms: without a rest it may be held at every look, until the customer's write fails.
REST_S = 0.03
MOST_REQUESTS = 128  # at a time, waiting ones among them; more are refused with 503
GRACE_S = 2  # for answers under way at the stop; readers come again

log = logging.getLogger("legacy_stub.feed")


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)  # noqa: TID251 - this is where the clock is injected


class ChangesServer:
    """The port; serves while it is entered, and on leaving answers who still waits.

    Args:
        settings: The monolith's.
        listener: What to listen on; it becomes ours.
    """

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self.listener = listener
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app(),
                http="h11",
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                limit_concurrency=MOST_REQUESTS,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self.listener.close()

    def _run(self) -> None:
        self._server.run(sockets=[self.listener])

    def _app(self) -> Starlette:
        engine = open_database(self._settings.database_url, connections=THREADS + 1)
        changes = Changes(
            Reader(engine, utc_now),
            Readers(engine, utc_now),
            Pictures(engine),
            stopping=lambda: self._server.should_exit,
        )

        @asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[None]:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(prune_for_ever, engine, retention(self._settings))
                yield
                tasks.cancel_scope.cancel()
            engine.dispose()

        return create_app(changes, lifespan)


def retention(settings: Settings) -> Retention:
    """What the settings say of how long events are kept."""
    return Retention(
        days=settings.changes_keep_days,
        events=settings.changes_keep_events,
        reader_days=settings.changes_reader_days,
    )


async def prune_for_ever(engine: Engine, kept: Retention) -> None:
    """Remove old events now and every minute, until cancelled."""
    pruning = Pruning(engine, kept, utc_now)
    while True:
        try:
            batches = pruning.batches()
            while await anyio.to_thread.run_sync(next, batches, 0):  # noqa: ASYNC110 - a rest
                await anyio.sleep(REST_S)
        except SQLAlchemyError:  # a busy database; the next time will do
            log.exception("old events of the change feed cannot be removed")
        await anyio.sleep(PRUNE_EVERY_S)
