"""``python -m legacy_stub``: the monolith under uvicorn, until SIGTERM or SIGINT.

``python -m legacy_stub images`` orders who draws the pictures of one that runs.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from types import FrameType

import uvicorn

from legacy_stub import images_command
from legacy_stub.app import create_app
from legacy_stub.database import open_database
from legacy_stub.errors import StartError
from legacy_stub.feed.server import ChangesServer
from legacy_stub.feed.switching import switch
from legacy_stub.settings import DEFAULTS, Settings, load
from legacy_stub.shop_key import session_key

BACKLOG = 2048  # connections the system keeps for us; uvicorn's own default
GRACE_S = 10  # requests under way at a SIGTERM get this long: the slowest order is far quicker


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the monolith; ``arguments`` None means the process's own.

    Returns:
        The exit code: 0 after a signal, 1 with one line on stderr when it cannot start.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["images"]:
        return images_command.run(given[1:], os.environ)
    try:
        settings = load({**os.environ, **_flags(given)})
        # Tried out here, where a failure is one line; under uvicorn it would be a traceback.
        engine = open_database(settings.database_url, connections=1)
        switch(engine, on=settings.changes)
        engine.dispose()
        session_key(settings.secret_key, settings.database_url)
        listener = listen(settings.host, settings.port)
        changes = _changes(settings) if settings.changes else None
    except StartError as error:
        sys.stderr.write(f"legacy_stub: {error}\n")
        return 1
    with listener:
        run(settings, listener, changes)
    return 0


def _changes(settings: Settings) -> ChangesServer:
    flags = "--changes-port (LEGACY_CHANGES_HOST, LEGACY_CHANGES_PORT)"
    return ChangesServer(
        settings, listen(settings.changes_host, settings.changes_port, flags=flags)
    )


def listen(
    host: str, port: int, *, flags: str = "--host and --port (LEGACY_HOST, LEGACY_PORT)"
) -> socket.socket:
    """Open a listening socket.

    Args:
        host: Its address.
        port: Its port; 0 lets the system choose.
        flags: What sets the two, for who reads that they cannot be used.

    Raises:
        StartError: The port is taken or not permitted, or the host is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        raise StartError(
            where=f"address {host}:{port}",
            why=f"cannot listen there ({error})",
            remedy=f"free it, or choose another with {flags}",
        ) from error
    # Accepted connections inherit it; the event loop sets it only on sockets of its own making.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def run(settings: Settings, listener: socket.socket, changes: ChangesServer | None = None) -> None:
    """Serve on ``listener`` until SIGTERM or SIGINT, then finish what is under way.

    Args:
        settings: How to run.
        listener: For customers.
        changes: The change feed's port; None: there is none.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            http="h11",  # httptools refuses requests that the original takes
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn raises the signal again once it is done; ours then makes that an exit code of 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    sys.stderr.write(f"legacy_stub: listening on {address(listener)}\n")
    sys.stderr.flush()
    if changes is None:
        server.run(sockets=[listener])
        return
    sys.stderr.write(f"legacy_stub: changes on {address(changes.listener)}/changes\n")
    sys.stderr.flush()
    with changes:
        server.run(sockets=[listener])


def address(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _flags(arguments: Sequence[str]) -> dict[str, str]:
    """Return the flags given, under the names of the variables they stand in for."""
    parser = argparse.ArgumentParser(
        prog="python -m legacy_stub",
        description="The image shop's monolith. The other settings are LEGACY_DATABASE_URL, "
        "LEGACY_PROFILE, LEGACY_IMAGE_DELAY (seconds), LEGACY_WORKERS, LEGACY_CHANGES (on, off) "
        "and LEGACY_IMAGES; 'python -m legacy_stub images --help' says how to change the last one "
        "while it runs.",
    )
    parser.add_argument("--host", help=f"default: LEGACY_HOST or {DEFAULTS.host}")
    parser.add_argument("--port", help=f"default: LEGACY_PORT or {DEFAULTS.port}")
    parser.add_argument(
        "--changes-port",
        help="of the change feed; default: LEGACY_CHANGES_PORT or "
        f"{DEFAULTS.changes_port}, on LEGACY_CHANGES_HOST or {DEFAULTS.changes_host}",
    )
    given = parser.parse_args(arguments)
    flags = {
        "LEGACY_HOST": given.host,
        "LEGACY_PORT": given.port,
        "LEGACY_CHANGES_PORT": given.changes_port,
    }
    return {name: value for name, value in flags.items() if value is not None}


if __name__ == "__main__":
    sys.exit(main())
