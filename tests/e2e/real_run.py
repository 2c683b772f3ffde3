"""The monolith and the image service, both real, and a gateway by the shipped file before them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.conformance.backfill.world import World
from tests.support.fake_openai import FakeOpenAI
from tests.support.figueira import Figueira, run, serving
from tests.support.polling import eventually

SHIPPED = (Path(__file__).parents[2] / "routes.yaml").read_text("utf-8")
SECRET = "of the gateway and the service alone"  # noqa: S105 - of this test
LIMIT = "3%"
NEEDED = 148
"""Distinct requests of a kind, none of which differs, for that limit at 95 % (`reference` C2)."""
CUSTOMERS = 8
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RealRun:
    """Everything that runs."""

    world: World
    feed: str
    service: str
    figueira: Figueira
    folder: Path
    openai: FakeOpenAI
    customer: httpx.Client
    customers: ThreadPoolExecutor
    database: Path
    """The gateway's."""
    asked: list[str]
    """Paths of images that were asked for through the one URL: each is eligible."""

    def order(self, prompt: str, size: str = "256x256") -> int:
        """Order an image through the one URL; its number."""
        answer = self.customer.post("/images", json={"prompt": prompt, "size": size})
        image_id = answer.json()["id"]
        assert isinstance(image_id, int)
        return image_id

    def orders(self, prompts: Sequence[str]) -> list[int]:
        """Many, by several customers."""
        return list(self.customers.map(self.order, prompts))

    def look(self, image_id: int) -> None:
        """Look at an image and its picture, as the shop's pages do."""
        for path in (f"/images/{image_id}", f"/images/{image_id}/file"):
            assert self.customer.get(path).status_code == 200

    def looks(self, ids: Sequence[int]) -> None:
        """Many, by several customers."""
        assert len(list(self.customers.map(self.look, ids))) == len(ids)

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Run the import, from when it has everything."""
        with self.world.following(self.feed) as process:
            eventually(lambda: self._watermark()["complete"], "the import has all", patience_s=40)
            yield
            assert process.stop() == 0

    def _watermark(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.service}/backfill/watermark").json()
        return found

    def settled(self) -> dict[str, int]:
        """The classes once every trial has ended, and is written."""

        def look() -> dict[str, int] | None:
            (sheet,) = self.figueira.status()["parallel_runs"]
            assert sum(sheet["classes"].values()) + sheet["pending"] == sheet["eligible"]
            is_over = sheet["eligible"] == len(self.asked) and not sheet["pending"]
            return sheet["classes"] if is_over and self._written() == sheet["eligible"] else None

        classes = eventually(look, "all trials end", patience_s=PATIENCE_S)
        return {name: count for name, count in classes.items() if count}

    def _written(self) -> int:
        """How many requests the database counts, in all epochs."""
        with closing(sqlite3.connect(self.database)) as connection:
            tallies = connection.execute("SELECT folded FROM run_strata").fetchall()
        return sum(sum(json.loads(each)["classes"].values()) for (each,) in tallies)

    def buy_and_look(self, prompts: Sequence[str], product_id: int) -> None:
        """Order for a product, and look at once, by several customers."""

        def one(prompt: str) -> None:
            wanted = {"prompt": prompt, "size": "256x256", "product_id": product_id}
            self.look(self.customer.post("/images", json=wanted).json()["id"])

        assert len(list(self.customers.map(one, prompts))) == len(prompts)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a `figueira` command on the gateway's database."""
        url = f"sqlite+aiosqlite:///{self.database}"
        return run(*words, folder=self.folder, FIGUEIRA_DATABASE_URL=url)

    def report(self, *options: str) -> tuple[int, str]:
        """What `figueira report images` exits with, and says."""
        done = self.command("report", "images", *options)
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout

    def told(self) -> tuple[int, dict[str, Any]]:
        """The same as data."""
        code, text = self.report("--json")
        found: dict[str, Any] = json.loads(text)
        return code, found

    def kinds(self) -> dict[str, tuple[int, int, str]]:
        """Kind of request -> distinct requests, those that differ, the verdict."""
        return {
            each["name"]: (each["distinct"], each["mismatched"], each["state"])
            for each in self.told()[1]["strata"]
        }


Twist = Callable[[bytes], bytes]
"""What becomes of a body on its way from the service."""


@contextmanager
def between(service: str, twist: Twist) -> Iterator[str]:
    """A fault of the service: what stands before it changes its answers. Its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            asked = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            found = httpx.request(
                self.command, f"{service}{self.path}", headers=asked, content=body, timeout=30
            )
            content = twist(found.content)
            self.send_response(found.status_code)
            for name, value in found.headers.items():
                if name not in {"content-length", "connection", "date", "server"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _world(folder: Path, more: dict[str, str]) -> World:
    """The two sides' databases and pictures."""
    return World(
        legacy_url=f"sqlite:///{folder}/legacy.db",
        images_url=f"sqlite+aiosqlite:///{folder}/images.db",
        folder=folder / "world",
        service_settings={"OPENAI_API_KEY": "sk-none", "IMAGE_GATEWAY_SECRET": SECRET, **more},
    )


def _customer(url: str, asked: list[str]) -> httpx.Client:
    """Who notes the images that he asks for."""

    def note(request: httpx.Request) -> None:
        if request.url.path.startswith("/images"):
            asked.append(request.url.path)

    return httpx.Client(base_url=url, timeout=30, event_hooks={"request": [note]})


@contextmanager
def real_run(
    folder: Path,
    *,
    text: Callable[[str], str] = lambda _url: SHIPPED,
    twist: Twist | None = None,
    service_settings: dict[str, str] | None = None,
    openai_urls: tuple[str, str] = ("", ""),
) -> Iterator[RealRun]:
    """Run all of it.

    Args:
        folder: An empty one.
        text: Gets OpenAI's URL; of routes.yaml, but for the limit.
        twist: A fault of the service.
        service_settings: More of its variables.
        openai_urls: Where the monolith, and the service, buy pictures; empty: at OpenAI itself.
    """
    for name in ("world", "gateway"):
        (folder / name).mkdir()
    with ExitStack() as stack:
        openai = stack.enter_context(FakeOpenAI())
        buys = {"OPENAI_BASE_URL": openai_urls[1] or openai.url}
        world = _world(folder, {**buys, **(service_settings or {})})
        shop, feed = stack.enter_context(
            world.monolith(
                LEGACY_IMAGE_PROVIDER="openai",
                OPENAI_API_KEY="sk-none",
                OPENAI_BASE_URL=openai_urls[0] or openai.url,
            )
        )
        service = stack.enter_context(world.service())
        before = stack.enter_context(between(service, twist)) if twist else service
        limited = text(openai.url).replace(
            "mismatch_rate_below: 0.1%", f"mismatch_rate_below: {LIMIT}"
        )
        figueira = stack.enter_context(
            serving(
                folder / "gateway",
                limited,
                LEGACY_URL=shop,
                IMAGE_SERVICE_URL=before,
                IMAGE_GATEWAY_SECRET=SECRET,
            )
        )
        asked: list[str] = []
        yield RealRun(
            world=world,
            feed=feed,
            service=service,
            figueira=figueira,
            folder=folder,
            openai=openai,
            customer=stack.enter_context(_customer(figueira.url, asked)),
            customers=stack.enter_context(ThreadPoolExecutor(CUSTOMERS)),
            database=folder / "gateway" / "state" / "figueira.db",
            asked=asked,
        )
