"""All proxies, and how one is brought to serve."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers.caddy import CADDY
from bench.peers.envoy import ENVOY
from bench.peers.figueira import FIGUEIRA
from bench.peers.haproxy import HAPROXY
from bench.peers.nginx import NGINX
from bench.peers.peer import Peer, Setting
from bench.peers.python_proxies import AIOHTTP, STARLETTE
from bench.peers.traefik import TRAEFIK
from bench.processes import check_sticky, free_port, running, wait_until_serving

PEERS: tuple[Peer, ...] = (
    FIGUEIRA,
    ENVOY,
    NGINX,
    HAPROXY,
    TRAEFIK,
    CADDY,
    AIOHTTP,
    STARLETTE,
)
"""In the order of the tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A proxy that serves."""

    peer: Peer
    version: str
    process: subprocess.Popen[bytes]
    setting: Setting

    @property
    def pid(self) -> int:
        """The root of its tree of processes."""
        return self.process.pid

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.setting.port


@contextmanager
def serving(
    peer: Peer,
    folder: Path,
    origins: Mapping[str, int],
    *,
    routes: int = 100,
    workers: int = 1,
) -> Iterator[Serving]:
    """Configure and start a proxy, and wait until it serves.

    Raises:
        MissingError: It is not installed.
        StartError: It did not come to serve.
    """
    folder.mkdir()
    setting = Setting(
        folder=folder,
        origins=origins,
        port=free_port(),
        admin_port=free_port(),
        routes=routes,
        workers=workers,
    )
    launch = peer.prepare(setting)
    with running(launch.command, folder, launch.environment) as process:
        wait_until_serving(process, folder, setting.port)
        if peer.is_sticky:
            check_sticky(setting.port, routes)
        yield Serving(peer=peer, version=launch.version, process=process, setting=setting)
