"""What is started: four programs, their ports and their environments. Pure."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tools.up.errors import UpError

HOST = "127.0.0.1"
_MAX_PORT = 65535
_SHOWN_CHARACTERS = 60
_VARIABLES = {
    "FIGUEIRA_PORT": 8000,
    "FIGUEIRA_ADMIN_PORT": 9000,
    "LEGACY_PORT": 8001,
    "IMAGE_PORT": 8002,
    "LEGACY_CHANGES_PORT": 8003,
}
"""Environment variable -> the port it has a say in, if it is unset or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where each listens."""

    customers: int
    admin: int
    monolith: int
    images: int
    changes: int = 8003

    def named(self) -> tuple[tuple[str, int], ...]:
        """Each port under the name of its variable."""
        ports = (self.customers, self.admin, self.monolith, self.images, self.changes)
        return tuple(zip(_VARIABLES, ports, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One program."""

    name: str
    """What people read in front of its lines."""
    command: tuple[str, ...]
    settings: Mapping[str, str]
    """Environment variables, on top of our own environment."""
    ready_url: str
    """Answers 200 once the part can do its work."""
    stop_s: float
    """How long it may take to stop: longer than its own patience with requests in flight."""


def read_ports(environ: Mapping[str, str]) -> Ports:
    """The ports, all different.

    Raises:
        UpError: For the first variable that is no port, or the same as one before it.
    """
    taken: dict[int, str] = {}
    for variable, default in _VARIABLES.items():
        port = _port(variable, environ.get(variable) or str(default))
        if port in taken:
            raise UpError(f"{taken[port]} and {variable} are both {port}; choose another for one")
        taken[port] = variable
    customers, admin, monolith, images, changes = taken
    return Ports(
        customers=customers, admin=admin, monolith=monolith, images=images, changes=changes
    )


def _port(variable: str, text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(_MAX_PORT))
    if not is_number or not 1 <= int(text) <= _MAX_PORT:
        shown = repr(text[:_SHOWN_CHARACTERS])
        raise UpError(f"{variable}: {shown} is no port; give a whole number from 1 to {_MAX_PORT}")
    return int(text)


def url(port: int) -> str:
    """The address of a port, without a slash at its end."""
    return f"http://{HOST}:{port}"


def parts(ports: Ports, secret: str) -> tuple[Part, ...]:
    """The programs, in the order in which they are started.

    Args:
        ports: Where each listens.
        secret: By which the image service knows the gateway's trials.
    """
    return (_monolith(ports), _images(ports, secret), _import(ports), _gateway(ports, secret))


def _monolith(ports: Ports) -> Part:
    return Part(
        name="monolith",
        command=(sys.executable, "-m", "legacy_stub"),
        settings={
            "LEGACY_HOST": HOST,
            "LEGACY_PORT": str(ports.monolith),
            "IMAGE_SERVICE_URL": url(ports.images),
            "LEGACY_CHANGES_HOST": HOST,
            "LEGACY_CHANGES_PORT": str(ports.changes),
        },
        ready_url=f"{url(ports.monolith)}/products",
        stop_s=15,
    )


def _import(ports: Ports) -> Part:
    return Part(
        name="import",
        command=(
            *(sys.executable, "-m", "image_service.cli", "import", "--follow"),
            *("--from-changes", url(ports.changes)),
        ),
        settings={},
        ready_url=f"{url(ports.images)}/backfill/watermark",
        stop_s=15,
    )


def _images(ports: Ports, secret: str) -> Part:
    return Part(
        name="image service",
        command=(sys.executable, "-m", "image_service"),
        settings={
            "IMAGE_HOST": HOST,
            "IMAGE_PORT": str(ports.images),
            "IMAGE_GATEWAY_SECRET": secret,
        },
        ready_url=f"{url(ports.images)}/readyz",
        stop_s=15,
    )


def _gateway(ports: Ports, secret: str) -> Part:
    return Part(
        name="gateway",
        command=(sys.executable, "-m", "gateway", "serve"),
        settings={
            "FIGUEIRA_HOST": HOST,
            "FIGUEIRA_PORT": str(ports.customers),
            "FIGUEIRA_ADMIN_HOST": HOST,
            "FIGUEIRA_ADMIN_PORT": str(ports.admin),
            # routes.yaml names its backends by these two
            "LEGACY_URL": url(ports.monolith),
            "IMAGE_SERVICE_URL": url(ports.images),
            "IMAGE_GATEWAY_SECRET": secret,
        },
        ready_url=f"{url(ports.admin)}/readyz",
        stop_s=40,
    )
