"""The services of docker-compose.yml as processes of this machine.

Commands, environments and health checks are the file's own. Only what a container would have for
itself is put in its place: host names, ports, and the folders behind the mounts.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.compose import ROOT, Service, services
from tests.support import postgres
from tests.support.polling import eventually
from tests.support.processes import PATIENCE_S, Process, environment, free_port, running

SECRETS = {
    "POSTGRES_PASSWORD": "administrator0secret",
    "FIGUEIRA_DATABASE_PASSWORD": "gateway0secret",
    "IMAGE_DATABASE_PASSWORD": "images0secret",
    "FIGUEIRA_TOKEN_KEY": "tokens0secret0key",
    "IMAGE_GATEWAY_SECRET": "trials0secret0of0the0gateway0and0service",
}
_PORTS = {
    "gateway": (8000, 9000),
    "legacy": (8001, 8003),
    "image-service": (8002,),
    "postgres": (5432,),
}
"""Where each listens in its container."""
_NOBODY = 65534
"""Who runs PostgreSQL where the tests run as root."""
_ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
"""pg_hba.conf: by TCP only with a password, as in the postgres image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """All services, running."""

    services: dict[str, Service]
    processes: dict[str, Process]
    ports: dict[int, int]
    """In the container -> here."""
    folders: dict[str, Path]
    """Service -> its working folder, which nobody may write to."""
    binaries: Path
    """PostgreSQL's programs."""

    def url(self, port: int) -> str:
        """The address of what listens on a port of its container."""
        return f"http://127.0.0.1:{self.ports[port]}"

    def health(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a service's own health check once, against the process here."""
        return run_health(self.services[name], self.ports, self.binaries)

    def psql(self, user: str, password: str, database: str) -> subprocess.CompletedProcess[str]:
        """Connect to the server by TCP and ask it for nothing much."""
        address = f"postgresql://{user}:{password}@127.0.0.1:{self.ports[5432]}/{database}"
        return _run([str(self.binaries / "psql"), "-XAtc", "SELECT 1", address])


def run_health(
    service: Service, ports: dict[int, int], binaries: Path
) -> subprocess.CompletedProcess[str]:
    """Run a health check with other ports in its arguments."""
    kind, *command = service.healthcheck.test
    assert kind == "CMD"
    command = [_with_ports(word, ports) for word in command]
    return _run(command, PATH=f"{binaries}:{_path()}")


@contextmanager
def opened(folder: Path) -> Iterator[Shop]:
    """Start every service in the order that the file asks for, each once those before are healthy.

    Args:
        folder: An empty folder, for all that the containers would keep.
    """
    binaries = postgres.find_binaries()
    assert binaries is not None
    shop = Shop(
        services=services(SECRETS),
        processes={},
        ports={port: free_port() for ports in _PORTS.values() for port in ports},
        folders={},
        binaries=binaries,
    )
    with ExitStack() as stack:
        stack.enter_context(_database(shop))
        while missing := [name for name in shop.services if name not in shop.folders]:
            name = next(name for name in missing if set(_needs(shop, name)) <= set(shop.folders))
            if name == "postgres":
                shop.folders[name] = folder
            else:
                work = shop.folders[name] = folder / name / "work"
                work.mkdir(parents=True)
                environ = environment(**_environ(shop, name, folder / name))
                command = shop.services[name].command
                process = running(command, folder=work, environ=environ)
                shop.processes[name] = stack.enter_context(process)
            _wait_until_healthy(shop, name)
        yield shop


def _wait_until_healthy(shop: Shop, name: str) -> None:
    """Run the health check until it passes, or until there is nobody to be healthy."""
    process = shop.processes.get(name)
    said = process.describe if process else str

    def is_decided() -> bool:
        return shop.health(name).returncode == 0 or (process is not None and process.has_ended)

    with contextlib.suppress(AssertionError):  # the one below says more
        eventually(is_decided, f"a healthy {name}")
    checked = shop.health(name)
    assert checked.returncode == 0, f"{said(name)}\n-- its health check --\n{checked.stderr}"


def _needs(shop: Shop, name: str) -> list[str]:
    return list(shop.services[name].depends_on)


def _environ(shop: Shop, name: str, folder: Path) -> dict[str, str]:
    """The service's environment, with places of this machine in it."""
    service = shop.services[name]
    environ = {"PATH": _path()}
    for variable, text in service.environment.items():
        value = _with_ports(text.replace("0.0.0.0", "127.0.0.1"), shop.ports)  # noqa: S104
        for target, source in service.mounts().items():
            is_named = re.fullmatch(r"[\w-]+", source)
            here = folder / source if is_named else (ROOT / source).resolve()
            if is_named:
                here.mkdir(exist_ok=True)
            value = value.replace(target, str(here))
        environ[variable] = value
    return environ


def _with_ports(text: str, ports: dict[int, int]) -> str:
    """Replace ports, with the host name before them if there is one."""
    names = "|".join(_PORTS)
    for port, here in ports.items():
        text = re.sub(rf"\b({names}):{port}\b", f"127.0.0.1:{here}", text)
        text = re.sub(rf"(?<!\d){port}(?!\d)", str(here), text)
    return text


@contextmanager
def _database(shop: Shop) -> Iterator[None]:
    """A PostgreSQL server, set up as the postgres image does it with our folder."""
    target = "/docker-entrypoint-initdb.d"
    scripts = sorted((ROOT / shop.services["postgres"].mounts()[target]).glob("*.sql"))
    assert scripts
    with postgres.running(shop.binaries) as folder:
        for script in scripts:
            command = [str(shop.binaries / "psql"), "-X", "-v", "ON_ERROR_STOP=1"]
            command += ["-h", str(folder), "-U", "postgres", "-f", str(script)]
            done = _run(command, **shop.services["postgres"].environment)
            assert done.returncode == 0, done.stderr
        (folder / "data" / "pg_hba.conf").write_text(_ACCESS)
        options = f"-F -h 127.0.0.1 -p {shop.ports[5432]} -k {folder}"
        subprocess.run(  # noqa: S603 - the wheel's own program
            [shop.binaries / "pg_ctl", "-w", "-D", folder / "data", "-o", options, "restart"],
            user=_NOBODY if os.geteuid() == 0 else None,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        yield


def _path() -> str:
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def _run(command: list[str], **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - words of our own files, no shell
        command,
        env=environment(**({"PATH": _path()} | settings)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
