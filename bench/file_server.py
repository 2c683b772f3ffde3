"""What blobs are measured against: Starlette's FileResponse, on the same server set up alike.

``python -m bench.file_server FOLDER PORT`` serves the files of a folder.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route


def application(folder: Path) -> Starlette:
    """Serve files by their names."""

    async def send(request: Request) -> FileResponse:
        return FileResponse(folder / request.path_params["name"], media_type="image/png")

    return Starlette(routes=[Route("/{name}", send)])


def main(folder: str, port: str) -> None:
    """Serve until terminated."""
    config = uvicorn.Config(
        application(Path(folder)),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    with socket.create_server(("127.0.0.1", int(port)), backlog=512) as listener:
        # As the service does: no answer's second half waits for the customer's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main(*sys.argv[1:])
