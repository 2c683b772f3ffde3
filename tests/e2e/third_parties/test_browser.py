"""A browser application of third parties is used as people use it, with a gateway and without."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.third_parties import lab
from tests.e2e.third_parties.conftest import routes_to
from tests.support.content import MIB, content
from tests.support.figueira import serving

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(lab.missing()), reason=lab.missing())]

_FILE_BYTES = 48 * MIB
_LEAST_FRAMES = 100
"""Of the kernel's channels and the terminal: each line of output is a message of its own."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    with sync_playwright() as playwright, lab.browser(playwright) as opened:
        yield opened


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A large file of the person's own."""
    path = tmp_path_factory.mktemp("home") / "large.bin"
    with path.open("wb") as opened:
        opened.writelines(content(_FILE_BYTES))
    return path


def _visit(browser: Browser, folder: Path, file: Path, *, through: bool) -> lab.Visit:
    (folder / "lab").mkdir()
    with lab.laboratory(folder / "lab") as opened:
        if not through:
            return lab.visit(browser, opened.url, opened, file, folder)
        (folder / "gateway").mkdir()
        with serving(folder / "gateway", routes_to(opened.url)) as figueira:
            seen = lab.visit(browser, figueira.url, opened, file, folder)
            assert figueira.stop() == 0
            errors = [line for line in figueira.access_lines() if line.get("error")]
            # Leaving a page cuts what it is still loading; that is the browser's own doing.
            assert [line for line in errors if "downstream" not in line["error"]] == []
            tunnels = [line for line in figueira.access_lines() if line["status"] == 101]
            # One that the page gives up before it stands never becomes a tunnel.
            assert 0 < len(tunnels) <= seen.traffic.sockets
            return seen


@pytest.mark.parametrize("through", [False, True], ids=["direct", "gateway"])
def test_promise_1_a_notebook_a_terminal_and_large_files_work_in_a_browser(
    browser: Browser, tmp_path: Path, file: Path, *, through: bool
) -> None:
    """What is asserted is the same with the gateway and without; so nobody can tell."""
    seen = _visit(browser, tmp_path, file, through=through)
    assert seen.output == lab.OUTPUT
    assert seen.typed == "42\n"
    digest = sha256(file.read_bytes()).hexdigest()
    assert (seen.uploaded_sha256, seen.downloaded_sha256) == (digest, digest)
    assert seen.failed == []
    assert seen.traffic.errors == []
    assert seen.traffic.received > _LEAST_FRAMES
