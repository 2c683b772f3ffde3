"""Servers, and a gateway before each: two ways to the same place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.figueira import serving
from tests.support.processes import running

_ROOT = Path(__file__).parents[3]
_ROUTES = """\
version: 1
backends:
  origin: {{url: "{origin}"}}
routes:
  - {{name: all, match: {{path_prefix: /}}, backend: origin}}
"""


def routes_to(origin: str) -> str:
    """A routes.yaml that sends everything to one backend."""
    return _ROUTES.format(origin=origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Two URLs of the same origin."""

    direct: str
    gateway: str


@contextmanager
def _server(module: str) -> Iterator[str]:
    """Run a server of this package; give its URL."""
    command = [sys.executable, "-m", f"tests.e2e.third_parties.{module}"]
    with running(command, folder=_ROOT) as process:
        yield process.wait_for_line(r"listening on (http://[0-9.:]+)")[1]
        assert process.stderr == [], process.describe("it complained")


@contextmanager
def ways_to(origin: str, folder: Path, **settings: str) -> Iterator[Ways]:
    """Run a gateway before a server; it must end well."""
    with serving(folder, routes_to(origin), **settings) as figueira:
        yield Ways(direct=origin, gateway=figueira.url)
        assert figueira.stop() == 0


@pytest.fixture(scope="session")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    """The origin of many natures."""
    with (
        _server("origin") as origin,
        ways_to(origin, tmp_path_factory.mktemp("origin")) as both,
    ):
        yield both


@pytest.fixture(scope="session")
def chat_server() -> Iterator[str]:
    """The URL of the server of WebSockets."""
    with _server("chat") as url:
        yield url


@pytest.fixture(scope="session")
def chat(chat_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    """The server of WebSockets."""
    with ways_to(chat_server, tmp_path_factory.mktemp("chat")) as both:
        yield both
