"""uvicorn servers that leave signals to us and run on sockets made elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, cast

import uvicorn

from gateway.control.accepting import Acceptor

BACKLOG = 2048
"""Connections the kernel keeps while workers are busy or being replaced."""


_PATIENCE_IS_OVER = "Cancel %s running task(s), timeout graceful shutdown exceeded"
"""uvicorn's word for it, at a level for errors; what was cut is told by the supervisor."""


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg != _PATIENCE_IS_OVER


class Server(uvicorn.Server):
    """A uvicorn server inside one of our processes."""

    def __init__(self, config: uvicorn.Config, acceptor: Acceptor | None = None) -> None:
        """Serve nothing yet.

        Args:
            config: How to serve.
            acceptor: Takes the connections; None leaves them to uvicorn.
        """
        super().__init__(config)
        self._asked = asyncio.Event()
        self._acceptor = acceptor
        if acceptor is not None:
            self.server_state.connections = acceptor.connections

    def stop(self) -> None:
        """Take no new connections, let requests in flight end, then return from `serve`."""
        self.should_exit = True
        self._asked.set()

    async def main_loop(self) -> None:
        """Wait for `stop`; uvicorn wakes ten times a second, for a Date header that is not sent."""
        with self._accepting():
            await self._asked.wait()

    def _accepting(self) -> AbstractContextManager[None]:
        if self._acceptor is None:
            return contextlib.nullcontext()
        make_door = partial(
            cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        return self._acceptor.open(make_door)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would raise them again after a clean stop (exit -15)."""
        yield


def server(
    app: Any,
    *,
    http: type[asyncio.Protocol] | str = "httptools",
    lifespan: str = "off",
    drain_s: float | None = None,
    acceptor: Acceptor | None = None,
) -> Server:
    """A server that logs nothing and adds no header of its own."""
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        loop="none",
        interface="asgi3",
        lifespan=lifespan,  # type: ignore[arg-type]  # one of uvicorn's literals
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=drain_s,  # type: ignore[arg-type]  # asyncio takes fractions
    )
    return Server(config, acceptor)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        OSError: The address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)
