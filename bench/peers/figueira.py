"""Figueira as operators run it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench.cases import CUSTOMER_HEADER, route_prefix
from bench.peers.peer import Launch, MissingError, Peer, Setting

_ROOT = Path(__file__).resolve().parents[2]
PYTHON = _ROOT / ".venv" / "bin" / "python"
"""The gateway's own environment, not the bench's."""
_VERSION = "from importlib.metadata import version; print(version('figueira'))"


def routes_yaml(setting: Setting, *, percent_a: int = 50) -> str:
    """A routes.yaml whose every route is a sticky split; the last one matches everything."""
    lines = ["version: 1", "backends:"]
    lines += [f"  {name}: {{url: 'http://127.0.0.1:{p}'}}" for name, p in setting.origins.items()]
    lines.append("routes:")
    for index in range(setting.routes):
        lines += [
            f"  - name: service-{index:04d}",
            f"    match: {{path_prefix: {route_prefix(index)}}}",
            f"    split: {{a: {percent_a}, b: rest}}",
            f"    sticky: [{{header: {CUSTOMER_HEADER}}}, client_ip]",
        ]
    lines += ["  - name: everything", "    match: {path_prefix: /}", "    backend: a"]
    return "\n".join([*lines, ""])


def routes_path(setting: Setting) -> Path:
    """Where the gateway reads its routes; nobody else writes to that folder, for it is watched."""
    return setting.folder / "etc" / "routes.yaml"


def prepare(setting: Setting) -> Launch:
    """Write routes.yaml and say how the gateway is started."""
    if not PYTHON.is_file():
        raise MissingError(f"{PYTHON.relative_to(_ROOT)} is not there; `make up` makes it")
    routes = routes_path(setting)
    routes.parent.mkdir()
    routes.write_text(routes_yaml(setting))
    state = setting.folder / "var"
    state.mkdir()
    version = subprocess.run(  # noqa: S603 - our own program, no shell
        [PYTHON, "-c", _VERSION], check=True, capture_output=True, text=True, cwd=setting.folder
    )
    command = [str(PYTHON), "-m", "gateway", "serve"]
    environment = {
        "FIGUEIRA_CONFIG": str(routes),
        "FIGUEIRA_PORT": str(setting.port),
        "FIGUEIRA_ADMIN_PORT": str(setting.admin_port),
        "FIGUEIRA_WORKERS": str(setting.workers),
        "FIGUEIRA_DATABASE_URL": f"sqlite+aiosqlite:///{state}/figueira.db",
        "FIGUEIRA_ACCESS_LOG": str(state / "access.log"),
    }
    return Launch(command=command, environment=environment, version=version.stdout.strip())


FIGUEIRA = Peer(
    name="figueira",
    label="Figueira",
    prepare=prepare,
    is_sticky=True,
    features="100 routes, sticky split by hash on each, metrics, JSON access log",
)
