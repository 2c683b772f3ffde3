"""JupyterLab in a real browser: a person's hour with it, in seconds."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from playwright.sync_api import (
    Browser,
    Page,
    Playwright,
    Request,
    Response,
    WebSocket,
    expect,
)

from tests.support.polling import eventually
from tests.support.processes import environment, free_port, running

TOKEN = "between-friends"  # noqa: S105 - of a server that lives for a test
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE_MS = 30_000
_ANSWER_MS = 500
"""For the page itself to react."""
_LINES = 400
CODE = f"for n in range({_LINES}): print('line', n, flush=True)\nprint('sum', sum(range(100)))"
OUTPUT = "".join(f"line {number}\n" for number in range(_LINES)) + "sum 4950\n"


def missing() -> str:
    """What a test needs and does not find here; empty if it finds all."""
    if CHROMIUM is None:
        return "Chromium is not on this machine (Debian: apt-get install chromium)"
    return "" if find_spec("jupyterlab") else "JupyterLab is not installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A running server."""

    url: str
    files: Path
    """What its user sees as files."""


@contextmanager
def laboratory(folder: Path) -> Iterator[Lab]:
    """Run JupyterLab, with everything that it keeps inside `folder`."""
    files = folder / "files"
    files.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    command += [
        f"--ServerApp.root_dir={files}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    environ = environment(HOME=str(folder), JUPYTER_PLATFORM_DIRS="1", SHELL="/bin/sh")
    with running(command, folder=folder, environ=environ) as process:
        url = f"http://127.0.0.1:{port}"
        process.wait_until_it_answers(f"{url}/login")
        yield Lab(url=url, files=files)


_GIVEN_UP = "WebSocket is closed before the connection is established."
"""The page's own doing: it leaves, or has thought better of it."""


@dataclass  # without slots: Playwright keeps its own attributes on whoever listens
class Traffic:
    """What went over the page's WebSockets."""

    sockets: int = 0
    sent: int = 0
    received: int = 0
    errors: list[str] = field(default_factory=list)

    def watch(self, socket: WebSocket) -> None:
        """Count its frames."""
        self.sockets += 1
        socket.on("framesent", self._note_sent)
        socket.on("framereceived", self._note_received)
        socket.on("socketerror", self._note_error)

    def _note_error(self, error: str) -> None:
        if error != _GIVEN_UP:
            self.errors.append(error)

    def _note_sent(self, _payload: object) -> None:
        self.sent += 1

    def _note_received(self, _payload: object) -> None:
        self.received += 1


@dataclass(slots=True, kw_only=True)
class Visit:
    """What a person saw."""

    output: str
    typed: str
    uploaded_sha256: str
    downloaded_sha256: str
    failed: list[str]
    """Requests of the page that got no answer or one of 500 and more."""
    traffic: Traffic


@contextmanager
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    opened = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
    try:
        yield opened
    finally:
        opened.close()


def visit(opened: Browser, base: str, lab: Lab, upload: Path, folder: Path) -> Visit:
    """Use the laboratory at `base` as a person does; leave screenshots in `folder`.

    A notebook is run, a command is typed at a terminal, a file goes up and comes down again.
    """
    context = opened.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    expect.set_options(timeout=_PATIENCE_MS)
    traffic = Traffic()
    failed: list[str] = []
    page.on("websocket", traffic.watch)
    _note_failures(page, failed)
    page.goto(f"{base}/lab?token={TOKEN}")
    output = _run_notebook(page)
    page.screenshot(path=folder / "notebook.png")
    typed = _type(page, lab)
    page.screenshot(path=folder / "terminal.png")
    uploaded = _upload(page, lab, upload)
    downloaded = _download(page, upload.name, folder)
    page.screenshot(path=folder / "files.png")
    context.close()
    return Visit(
        output=output,
        typed=typed,
        uploaded_sha256=uploaded,
        downloaded_sha256=downloaded,
        failed=failed,
        traffic=traffic,
    )


def _note_failures(page: Page, failed: list[str]) -> None:
    def note_request(request: Request) -> None:
        # What the page itself no longer wants is no failure; a cut answer has other names.
        if request.failure != "net::ERR_ABORTED":
            failed.append(f"{request.url}: {request.failure}")

    def note_response(response: Response) -> None:
        if response.status >= 500:
            failed.append(f"{response.url}: {response.status}")

    page.on("requestfailed", note_request)
    page.on("response", note_response)


def _run_notebook(page: Page) -> str:
    page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
    page.locator(".jp-Notebook .jp-Cell .cm-content").first.click()
    page.keyboard.insert_text(CODE)
    eventually(lambda: _start_cell(page), "a cell that runs")
    shown = page.locator(".jp-OutputArea-output").first
    expect(shown).to_contain_text("sum 4950")
    return shown.inner_text()


def _start_cell(page: Page) -> bool:
    """Run the cell; the laboratory ignores whoever wants to before its kernel has answered."""
    page.keyboard.press("Control+Enter")
    prompt = page.locator(".jp-Notebook .jp-InputPrompt").first
    with contextlib.suppress(AssertionError):
        expect(prompt).not_to_have_text("[ ]:", timeout=_ANSWER_MS)
        return True
    return False


def _type(page: Page, lab: Lab) -> str:
    page.keyboard.press("Control+Shift+L")
    page.locator(".jp-LauncherCard[title='Start a new terminal session']").click()
    terminal = page.locator(".jp-Terminal .xterm-helper-textarea")
    terminal.wait_for(state="attached")
    expect(page.locator(".jp-Terminal .xterm-screen")).to_be_visible()
    terminal.focus()
    answer = lab.files / "answer.txt"
    page.keyboard.type(f"echo $((6 * 7)) > {answer}\n")
    eventually(answer.exists, "the shell's answer")
    page.get_by_title("Refresh the file browser.").click()
    expect(page.locator(".jp-DirListing-item", has_text=answer.name)).to_be_visible()
    return answer.read_text()


def _upload(page: Page, lab: Lab, upload: Path) -> str:
    with page.expect_file_chooser() as chooser:
        page.get_by_title("Upload Files").click()
    chooser.value.set_files(upload)
    # Above 15 MB it asks whether one is sure.
    page.locator(".jp-Dialog-button.jp-mod-accept").click()
    arrived, size = lab.files / upload.name, upload.stat().st_size
    # It goes up in pieces, each a request that appends.
    eventually(lambda: arrived.exists() and arrived.stat().st_size >= size, "a whole upload")
    expect(page.locator(".jp-DirListing-item", has_text=upload.name)).to_be_visible()
    return sha256(arrived.read_bytes()).hexdigest()


def _download(page: Page, name: str, folder: Path) -> str:
    page.locator(".jp-DirListing-item", has_text=name).click(button="right")
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Download", exact=True).click()
    path = folder / "downloaded"
    download.value.save_as(path)
    return sha256(path.read_bytes()).hexdigest()
