"""The two proxies that people write themselves."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.peers.peer import Launch, MissingError, Peer, Setting

_ROOT = Path(__file__).resolve().parents[2]


def _prepare(module: str, *packages: str) -> Callable[[Setting], Launch]:
    def prepare(setting: Setting) -> Launch:
        try:
            versions = [f"{package} {version(package)}" for package in packages]
        except PackageNotFoundError as error:
            raise MissingError(f"{error.name} is not in the bench's environment") from None
        ports = [str(setting.port), str(setting.origins["a"])]
        return Launch(
            command=[sys.executable, "-m", module, *ports],
            environment={"PYTHONPATH": str(_ROOT)},
            version=", ".join(versions),
        )

    return prepare


AIOHTTP = Peer(
    name="aiohttp",
    label="aiohttp",
    prepare=_prepare("bench.peers.aiohttp_proxy", "aiohttp"),
    features="server and client on uvloop; no routes, no log",
)
STARLETTE = Peer(
    name="starlette",
    label="Starlette + httpx",
    prepare=_prepare("bench.peers.starlette_proxy", "starlette", "httpx", "uvicorn"),
    features="httpx.AsyncClient on uvicorn with uvloop and httptools; as pip installs them: no "
    "sniffio, which httpcore looks for at every lock (with it, a fifth less); no routes, no log",
)
