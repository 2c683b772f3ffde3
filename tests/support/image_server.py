"""The image service in this process, on a thread and a port of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from image_service.app import create_app
from image_service.settings import read_settings

_PATIENCE_S = 20.0


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.is_up.set()


@contextlib.contextmanager
def serving(folder: Path, settings: dict[str, str]) -> Iterator[str]:
    """Run the service on a thread of its own; its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {
        "IMAGE_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/images.db",
        "IMAGE_BLOB_URL": f"{folder}/blobs",
    }
    app = create_app(read_settings(kept | settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _Server(uvicorn.Config(app, http="h11", ws="none", log_config=None))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert server.is_up.wait(_PATIENCE_S)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
