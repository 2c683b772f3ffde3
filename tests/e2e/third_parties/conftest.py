"""An origin of many natures, and a gateway before it: two ways to the same place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
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


@pytest.fixture(scope="session")
def origin() -> Iterator[str]:
    """The origin's URL."""
    command = [sys.executable, "-m", "tests.e2e.third_parties.origin"]
    with running(command, folder=_ROOT) as process:
        yield process.wait_for_line(r"listening on (http://[0-9.:]+)")[1]
        assert process.stderr == [], process.describe("it complained")


@pytest.fixture(scope="session")
def ways(origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    """The origin itself, and a gateway before it."""
    with serving(tmp_path_factory.mktemp("gateway"), routes_to(origin)) as figueira:
        yield Ways(direct=origin, gateway=figueira.url)
        assert figueira.stop() == 0
