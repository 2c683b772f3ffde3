"""The two backends, started once; each test has a gateway of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.support.figueira import Figueira, serving
from tests.support.processes import environment, running

Start = Callable[..., AbstractContextManager[Figueira]]
Figures = dict[str, float]
"""What was measured on the way, never asserted: shown below the results."""


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """The figures of this test; they travel with its report, whichever process ran it."""
    found: Figures = {}
    yield found
    request.node.user_properties.extend(found.items())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "teardown":
                for name, value in report.user_properties:
                    terminalreporter.write_line(f"{name}: {value:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """Where the monolith and the image service answer."""

    legacy: str
    image_service: str

    @property
    def settings(self) -> dict[str, str]:
        """The variables by which the shipped routes.yaml finds them."""
        return {"LEGACY_URL": self.legacy, "IMAGE_SERVICE_URL": self.image_service}


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Customers run on uvloop, which leaves more of the machine to the gateway."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    """The monolith without its slowness, and the image service with the same renderer."""
    folder = tmp_path_factory.mktemp("backends")
    monolith = {
        "LEGACY_DATABASE_URL": f"sqlite:///{folder}/legacy.db",
        "LEGACY_IMAGE_DELAY": "0",
    }
    service = {
        "IMAGE_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/images.db",
        "IMAGE_BLOB_URL": f"{folder}/blobs",
        "IMAGE_PROVIDER": "procedural",
    }
    with (
        _backend("legacy_stub", folder, monolith) as legacy,
        _backend("image_service", folder, service) as image_service,
    ):
        yield Backends(legacy=legacy, image_service=image_service)


@contextmanager
def _backend(module: str, folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Run a backend on a free port; give its URL."""
    command = [sys.executable, "-m", module, "--host", "127.0.0.1", "--port", "0"]
    with running(command, folder=folder, environ=environment(**settings)) as process:
        yield process.wait_for_line(r".*listening on (http://[0-9.:]+).*")[1]
        assert process.stop() == 0, process.describe("an unclean stop")


@pytest.fixture
def start(backends: Backends, tmp_path: Path) -> Start:
    """Starts a gateway before the two backends: `serving`, in an empty folder."""
    return partial(serving, tmp_path, **backends.settings)
