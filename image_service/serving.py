"""The service under uvicorn, and a worker without it, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn

from image_service.app import create_app
from image_service.connections import ACCEPTED_AT_ONCE, PatientProtocol, room_for_connections
from image_service.errors import StartupError
from image_service.parts import open_parts
from image_service.settings import Settings

# Docker kills after 10 s. An order given up by then is recorded and its customer answered, a
# second before uvicorn would drop the connection.
_ORDER_GRACE_S = 7.0
REQUEST_GRACE_S = 8
_BACKLOG = 512


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket.

    Raises:
        StartupError: The address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        # create_server() repeats the address in its text; a name that is not found has a
        # negative number, which is no errno.
        reason = os.strerror(number) if number is not None and number > 0 else str(error)
        raise StartupError(
            where=f"address {host}:{port}",
            why=f"it cannot be listened on ({reason})",
            remedy="stop who holds it, or choose another with --host and --port "
            "(IMAGE_HOST, IMAGE_PORT)",
        ) from error
    # Accepted connections inherit it. asyncio sets it only on sockets of its own making; without it
    # the second half of every answer waits some 40 ms for the customer's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class _Server(uvicorn.Server):
    """Ends the orders under way before it ends the connections that wait for them."""

    drain: Callable[[float], Awaitable[None]]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, to more than are accepted at once: asyncio has one number for both."""
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(_BACKLOG)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and wait for both."""
        await asyncio.gather(super().shutdown(sockets), self.drain(_ORDER_GRACE_S))


async def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve until a signal, then end what is under way.

    Raises:
        StartupError: Something cannot be used.
    """
    app = create_app(settings)
    server = _Server(
        uvicorn.Config(
            app,
            # h11 is stricter than httptools: it refuses a missing Host and endless headers.
            http=PatientProtocol,
            limit_concurrency=room_for_connections(),
            backlog=ACCEPTED_AT_ONCE,
            ws="none",
            # Our own lifespan below: uvicorn would show its failure as a traceback.
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=REQUEST_GRACE_S,
        )
    )
    _stop_on_signals(server)
    async with app.router.lifespan_context(app):
        server.drain = app.state.drain
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        painters = ", ".join(settings.providers)
        sys.stderr.write(
            f"image_service: listening on http://{shown}:{port} (provider {painters})\n"
        )
        sys.stderr.flush()
        await server.serve(sockets=[listener])


def _stop_on_signals(server: uvicorn.Server) -> None:
    """Let a signal stop the server also while it starts, and end the process with code 0.

    Uvicorn raises the signals it caught once more when it is done; with the default handlers
    the process would then die of them.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


async def work(settings: Settings) -> None:
    """Make pictures, of orders that others take, until a signal.

    Raises:
        StartupError: Something cannot be used.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with open_parts(settings) as parts:
        parts.workshop.start()
        sys.stderr.write("image_service: working\n")
        sys.stderr.flush()
        await stopped.wait()
        await parts.workshop.stop(_ORDER_GRACE_S)
