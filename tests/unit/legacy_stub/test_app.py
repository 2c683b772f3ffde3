"""The one small pool that everything shares, and the ASGI door in front of it."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
import httpx
import pytest
from starlette.types import Message, Scope

from legacy_stub.app import create_app
from legacy_stub.gallery.remote import MARK
from legacy_stub.settings import Settings

PATIENCE_S = 20.0  # so that a fault in the monolith ends as a failure


class Easel:
    """A renderer that draws only when told to, and counts the pictures begun."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def render(self, _prompt: str, _width: int, _height: int) -> bytes:
        """Begin a picture and wait for the word to finish it."""
        self.begun.release()
        assert self.go_on.acquire(timeout=PATIENCE_S)
        return b"png"

    async def wait_begun(self, count: int) -> None:
        """Wait until ``count`` more pictures have been begun."""
        for _ in range(count):
            assert await anyio.to_thread.run_sync(self.begun.acquire, True, PATIENCE_S)


async def test_with_all_workers_drawing_a_product_list_waits_for_a_picture(
    settings: Settings,
) -> None:
    """The complaint that the migration answers: slow images make the whole shop slow."""
    easel = Easel()
    app = create_app(replace(settings, workers=4), render=easel.render)
    finished: list[str] = []

    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://shop.test"
        ) as client,
        anyio.create_task_group() as customers,
    ):

        async def order() -> None:
            await client.post("/images", json={"prompt": "x"})
            finished.append("image")

        async def look(done: anyio.Event) -> None:
            await client.get("/products")
            finished.append("products")
            done.set()

        for _ in range(3):
            customers.start_soon(order)
        await easel.wait_begun(3)
        await look(anyio.Event())
        assert finished == ["products"], "one worker is free: nobody waits"

        customers.start_soon(order)
        await easel.wait_begun(1)
        answered = anyio.Event()
        customers.start_soon(look, answered)
        await anyio.wait_all_tasks_blocked()
        easel.go_on.release()
        with anyio.fail_after(PATIENCE_S):
            await answered.wait()
        assert finished == ["products", "image", "products"], "the list came after a picture"
        easel.go_on.release(3)


async def test_a_shutdown_ends_waiting_orders_and_leaves_them_pendente(settings: Settings) -> None:
    """The process need not sit out the delay; did it, the order would be answered with 200."""
    app = create_app(replace(settings, image_delay_s=30.0, workers=2))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        answers: list[httpx.Response] = []

        async def order() -> None:
            answers.append(await client.post("/images", json={"prompt": "x"}))

        async with anyio.create_task_group() as customers:
            with anyio.fail_after(PATIENCE_S):
                async with app.router.lifespan_context(app):
                    customers.start_soon(order)
                    images: list[dict[str, object]] = []
                    while not images:
                        images = (await client.get("/images")).json()
        assert [answer.status_code for answer in answers] == [500]
        async with app.router.lifespan_context(app):
            images = (await client.get("/images")).json()
        assert [image["status"] for image in images] == ["pendente"]


async def test_a_body_over_the_limit_is_refused_before_it_is_all_read(settings: Settings) -> None:
    """However much is sent, about a MiB of it is held."""
    app = create_app(settings)
    sent: list[Message] = []
    asked = 0

    async def receive() -> Message:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b" " * 65536, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    async with app.router.lifespan_context(app):
        await app(_scope("POST", b"/products"), receive, send)
    assert sent[0]["status"] == 413
    assert asked == 17


async def test_a_customer_who_leaves_before_the_body_is_complete_orders_nothing(
    settings: Settings,
) -> None:
    app = create_app(settings)
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"prompt":"x"}', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    async with app.router.lifespan_context(app):
        await app(_scope("POST", b"/images"), receive, send)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            assert (await client.get("/images")).json() == []


@pytest.mark.parametrize(
    ("raw_path", "status"),
    [(b"/products", 200), (b"//products", 200), (b"/products//1", 308), (b"*", 404), (None, 200)],
)
async def test_the_raw_path_decides_and_may_be_missing(
    settings: Settings, raw_path: bytes | None, status: int
) -> None:
    """What Starlette's own router would make of these differs."""
    app = create_app(settings)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    async with app.router.lifespan_context(app):
        await app(_scope("get", raw_path), receive, send)
    assert sent[0]["status"] == status


async def test_a_websocket_is_refused(settings: Settings) -> None:
    app = create_app(settings)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async with app.router.lifespan_context(app):
        await app({**_scope("GET", b"/products"), "type": "websocket"}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_the_environment_is_read_when_the_lifespan_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app()
    monkeypatch.setenv("LEGACY_DATABASE_URL", f"sqlite:///{tmp_path}/elsewhere/shop.db")
    async with app.router.lifespan_context(app):
        assert (tmp_path / "elsewhere" / "shop.db").exists()


def test_importing_the_application_touches_nothing(tmp_path: Path) -> None:
    """Neither a wrong environment nor the working folder matter before the lifespan."""
    subprocess.run(
        [sys.executable, "-c", "import legacy_stub.app"],
        cwd=tmp_path,
        env={"LEGACY_PORT": "wrong"},
        check=True,
        timeout=PATIENCE_S,
    )
    assert list(tmp_path.iterdir()) == []


def _scope(method: str, raw_path: bytes | None) -> Scope:
    return {
        "type": "http",
        "method": method,
        "path": "/products" if raw_path is None else raw_path.decode(),
        "raw_path": raw_path,
        "query_string": b"",
        "headers": [(b"host", b"shop.test"), (b"content-type", b"application/json")],
        "server": ("127.0.0.1", 8001),
    }


async def test_an_order_that_comes_back_ends_here_and_waits_for_no_worker(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """One order went round for ever while IMAGE_SERVICE_URL led to the monolith."""
    easel = Easel()
    app = create_app(replace(settings, workers=1), render=easel.render)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client,
        anyio.create_task_group() as customers,
    ):
        customers.start_soon(lambda: client.post("/images", json={"prompt": "x"}))
        await easel.wait_begun(1)
        marked = {MARK: "legacy_stub"}
        with anyio.fail_after(PATIENCE_S):
            back = await client.post("/images", json={"prompt": "x"}, headers=marked)
        easel.go_on.release()
        assert back.status_code == 500
        assert "IMAGE_SERVICE_URL leads to a monolith" in caplog.text
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client,
    ):
        assert len((await client.get("/images")).json()) == 1
