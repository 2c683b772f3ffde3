"""The whole shop as it is shipped: monolith, image service, and the gateway before them."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers.figueira import PYTHON
from bench.processes import HOST, PATIENCE_S, StartError, fetch, free_port, running

DELAY_S = 2.0
"""That a picture takes on either side: the monolith's own default."""
_PAUSE_S = 0.05
_SHIPPED = Path(__file__).resolve().parent.parent / "routes.yaml"
_FLIP = re.compile(r"(?m)^(.*\bimage_service: )\d+(.*# FLIP\b)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The ports of what runs, and the file that is flipped."""

    gateway: int
    admin: int
    monolith: int
    routes: Path

    def flip(self, percent: int) -> None:
        """Write another share of new images into routes.yaml; return once it is in effect.

        Raises:
            StartError: It never is.
        """
        revision = self._revision()
        write_routes(self.routes, percent)
        deadline_s = time.monotonic() + PATIENCE_S
        while self._revision() == revision:
            if time.monotonic() > deadline_s:
                raise StartError(f"no flip to {percent} % within {PATIENCE_S:g} s")
            time.sleep(_PAUSE_S)

    def _revision(self) -> list[object]:
        """The revision of control and of each worker; they are the same once a flip is done."""
        _, body, _ = fetch(self.admin, "/api/status")
        status = json.loads(body)
        seen = {worker["revision"] for worker in status["workers"]}
        return sorted(seen) if len(seen) == 1 else [0]


def write_routes(path: Path, percent: int) -> None:
    """Write the shipped routes.yaml with so many percent of new images on the image service."""
    text, found = _FLIP.subn(rf"\g<1>{percent}\g<2>", _SHIPPED.read_text())
    if found != 1:
        raise StartError("routes.yaml has no line marked FLIP")
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


@contextmanager
def running_shop() -> Iterator[Shop]:
    """Run all three; in the end nothing is left, neither process nor file.

    Raises:
        StartError: One of them did not come to serve.
    """
    if not PYTHON.is_file():
        raise StartError(f"{PYTHON} is not there; `make up` makes it")
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        folder = Path(name)
        service = free_port()
        routes = folder / "etc" / "routes.yaml"
        routes.parent.mkdir()
        write_routes(routes, 0)
        shop = Shop(gateway=free_port(), admin=free_port(), monolith=free_port(), routes=routes)
        for module, arguments, environment, ready in (
            ("legacy_stub", [], _monolith(folder, shop.monolith), (shop.monolith, "/products")),
            ("image_service", [], _service(folder, service), (service, "/readyz")),
            ("gateway", ["serve"], _gateway(folder, shop, service), (shop.admin, "/readyz")),
        ):
            place = folder / module
            place.mkdir()
            command = [str(PYTHON), "-m", module, *arguments]
            process = stack.enter_context(running(command, place, environment))
            _wait_until_ready(process, place, *ready)
        yield shop


def _monolith(folder: Path, port: int) -> Mapping[str, str]:
    """Its own defaults, but for port and place."""
    return {
        "LEGACY_PORT": str(port),
        "LEGACY_CHANGES_PORT": "0",
        "LEGACY_DATABASE_URL": f"sqlite:///{folder}/legacy.db",
        "LEGACY_IMAGE_PROVIDER": "procedural",
        "LEGACY_IMAGE_DELAY": str(DELAY_S),
    }


def _service(folder: Path, port: int) -> Mapping[str, str]:
    """Its own defaults, and the monolith's delay."""
    return {
        "IMAGE_PORT": str(port),
        "IMAGE_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/images.db",
        "IMAGE_BLOB_URL": f"{folder}/blobs",
        "IMAGE_PROVIDER": "procedural",
        "IMAGE_DELAY": str(DELAY_S),
    }


def _gateway(folder: Path, shop: Shop, service: int) -> Mapping[str, str]:
    return {
        "FIGUEIRA_CONFIG": str(shop.routes),
        "FIGUEIRA_PORT": str(shop.gateway),
        "FIGUEIRA_ADMIN_PORT": str(shop.admin),
        "FIGUEIRA_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/figueira.db",
        "FIGUEIRA_ACCESS_LOG": f"{folder}/access.log",
        "LEGACY_URL": f"http://{HOST}:{shop.monolith}",
        "IMAGE_SERVICE_URL": f"http://{HOST}:{service}",
    }


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path, port: int, path: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if fetch(port, path)[0] == http.HTTPStatus.OK:
                return
        time.sleep(_PAUSE_S)
    said = (folder / "output.log").read_text(errors="replace").strip().splitlines()
    last = said[-1][:300] if said else "it said nothing"
    raise StartError(f"{folder.name} did not come to serve: {last}")
