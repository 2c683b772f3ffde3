"""Who draws, as real processes: the monolith, the image service, and an operator between them."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from image_service.providers.procedural import render
from tests.conformance.legacy.process import Monolith, running
from tests.support.polling import eventually
from tests.support.processes import PATIENCE_S, Process, environment
from tests.support.processes import running as process_running

pytestmark = pytest.mark.e2e

FIRST_REMOTE_ID = 1_000_000_001
ORDER = {"prompt": "serra à noite", "size": "256x256", "product_id": 7}


@contextmanager
def image_service(folder: Path, port: str = "0", **settings: str) -> Iterator[tuple[Process, str]]:
    """Run the image service; give its process and its URL."""
    environ = environment(
        IMAGE_DATABASE_URL=f"sqlite+aiosqlite:///{folder}/images.db",
        IMAGE_BLOB_URL=f"{folder}/blobs",
        IMAGE_PROVIDER="procedural",
        **settings,
    )
    command = [sys.executable, "-m", "image_service", "--host", "127.0.0.1", "--port", port]
    with process_running(command, folder=folder, environ=environ) as process:
        started = process.wait_for_line(r"image_service: listening on (http://[0-9.:]+).*")
        yield process, started[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A running monolith, what it was started with, and a caller that passes no gateway."""

    monolith: Monolith
    folder: Path
    service: str
    client: httpx.Client

    def order(self) -> dict[str, Any]:
        """Order a picture; it must be done."""
        answer = self.client.post("/images", json=ORDER)
        assert answer.status_code == 200
        image: dict[str, Any] = answer.json()
        assert image["status"] == "pronta"
        return image

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``python -m legacy_stub images`` as the operator would beside it."""
        return subprocess.run(  # noqa: S603 - our own program, no shell
            [sys.executable, "-m", "legacy_stub", "images", *arguments],
            env=environment(
                LEGACY_DATABASE_URL=f"sqlite:///{self.folder}/legacy.db",
                IMAGE_SERVICE_URL=self.service,
            ),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


@contextmanager
def shop(folder: Path, service: str, **settings: str) -> Iterator[Shop]:
    """Run a monolith without its slowness beside an image service."""
    settings = {"LEGACY_IMAGE_DELAY": "0", "IMAGE_SERVICE_URL": service, **settings}
    with running(folder, **settings) as monolith:
        url = f"http://127.0.0.1:{monolith.port}"
        with httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_S) as client:
            yield Shop(monolith=monolith, folder=folder, service=service, client=client)


def test_an_operator_moves_callers_that_never_pass_the_gateway(tmp_path: Path) -> None:
    """There and back while it runs; nothing that was made is lost on the way."""
    with image_service(tmp_path) as (_, url), shop(tmp_path, url) as here:
        assert here.order()["id"] == 1
        assert here.command("remote").stdout.startswith("images: remote (by command)\n")
        moved = here.order()
        assert moved == {
            "id": FIRST_REMOTE_ID,
            "status": "pronta",
            "url": f"/images/{FIRST_REMOTE_ID}/file",
            **ORDER,
        }
        assert [image["id"] for image in here.client.get("/images").json()] == [1, FIRST_REMOTE_ID]
        picture = render("serra à noite", 256, 256)
        for image_id in (1, FIRST_REMOTE_ID):
            answer = here.client.get(f"/images/{image_id}/file")
            assert answer.headers["content-type"] == "image/png"
            assert answer.content == picture
        assert httpx.get(f"{url}{moved['url']}", trust_env=False).content == picture

        assert here.command("default").returncode == 0
        assert here.order()["id"] == 2
        deleted = here.client.delete("/images/1")
        assert deleted.json() == {"success": "Imagem deletada"}
        assert here.monolith.log == []


def test_an_order_by_command_outlives_a_restart_and_says_so(tmp_path: Path) -> None:
    with image_service(tmp_path) as (_, url):
        with shop(tmp_path, url) as here:
            assert here.command("remote").returncode == 0
            assert here.monolith.stop(signal.SIGTERM) == 0
        with shop(tmp_path, url, LEGACY_IMAGES="both") as here:
            assert here.order()["id"] == FIRST_REMOTE_ID
            assert here.monolith.stop(signal.SIGTERM) == 0
        said = [line for line in here.monolith.process.stderr if line.startswith("WARNING")]
    assert said == [
        "WARNING legacy_stub.images: images_mode mode=remote by=command instead_of=both"
    ]


def test_the_setting_at_the_start_moves_them_as_well(tmp_path: Path) -> None:
    with (
        image_service(tmp_path) as (_, url),
        shop(tmp_path, url, LEGACY_IMAGES="remote") as here,
    ):
        assert here.order()["id"] == FIRST_REMOTE_ID
        refused = here.client.post("/images", json={"prompt": " "})
        assert (refused.status_code, refused.json()) == (200, {"error": "Prompt obrigatório"})


def test_a_service_that_is_gone_is_a_fault_of_orders_and_of_nothing_else(tmp_path: Path) -> None:
    """The old program's page, one line in the log; own images and products are served on."""
    with image_service(tmp_path) as (service, url), shop(tmp_path, url) as here:
        here.order()
        assert here.command("remote").returncode == 0
        here.order()
        service.kill()
        for method, path, fields in (
            ("POST", "/images", ORDER),
            ("GET", "/images", None),
            ("GET", f"/images/{FIRST_REMOTE_ID}", None),
        ):
            answer = here.client.request(method, path, json=fields)
            assert answer.status_code == 500
            assert answer.text.startswith("<!doctype html>\n<html lang=en>\n<title>500 ")
        assert here.client.get("/images/1").json()["status"] == "pronta"
        assert here.client.get("/products").json() == []
        assert len(here.monolith.log) == 3
        assert all("no image in " in line for line in here.monolith.log)
        # refused until it is back, or where it is not; taken back at once
        assert here.command("both").returncode == 1
        assert here.command("local").returncode == 0
        assert here.order()["id"] == 2


def test_both_verifies_behind_the_customers_back(tmp_path: Path) -> None:
    """The monolith's answer counts, the service's copy is compared and gone again."""
    with image_service(tmp_path) as (_, url), shop(tmp_path, url) as here:
        assert here.command("both").returncode == 0
        assert [here.order()["id"] for _ in range(3)] == [1, 2, 3]
        eventually(lambda: "3 same, 0 different" in here.command().stdout, "three comparisons")
        assert httpx.get(f"{url}/images", trust_env=False).json() == []
        assert [image["id"] for image in here.client.get("/images").json()] == [1, 2, 3]
        assert here.monolith.log == []


def test_both_is_not_hurt_by_a_service_that_is_not_there(tmp_path: Path) -> None:
    with shop(tmp_path, "http://127.0.0.1:1", LEGACY_IMAGES="both") as here:
        assert here.order()["id"] == 1
        eventually(lambda: "1 failed" in here.command().stdout, "the failed comparison")
        assert here.monolith.stop(signal.SIGTERM) == 0
    assert here.monolith.log == [
        "WARNING legacy_stub.images: images_remote_failed local=1 "
        "reason='image service: ConnectError at POST'"
    ]


def test_a_stop_does_not_wait_for_a_service_that_hangs(tmp_path: Path) -> None:
    """Orders under way get their ten seconds and no more; here the wait is cut short at once."""
    with image_service(tmp_path) as (service, url), shop(tmp_path, url) as here:
        assert here.command("both").returncode == 0
        os.kill(service.pid, signal.SIGSTOP)
        assert here.order()["id"] == 1
        assert here.monolith.stop(signal.SIGTERM) == 0
        assert here.monolith.log == []
        os.kill(service.pid, signal.SIGCONT)


def test_with_twenty_orders_a_look_at_the_products_waits_behind_them(tmp_path: Path) -> None:
    """The complaint as it is: one pool for everything, first come, first served."""
    with running(tmp_path, LEGACY_IMAGE_DELAY="0.2") as monolith:
        body = json.dumps(ORDER).encode()
        post = (
            b"POST /images HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        get = b"GET /products HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"
        with ExitStack() as stack:
            orders = [
                stack.enter_context(socket.create_connection(("127.0.0.1", monolith.port)))
                for _ in range(20)
            ]
            for order in orders:
                order.sendall(post)
            assert monolith.exchange(get).endswith(b"\r\n\r\n[]\n")
            # All were handed out before it, and four at most are still being drawn.
            answered, _, _ = select.select(orders, [], [], 0)
            assert len(answered) >= 16


def test_a_monolith_is_not_moved_to_itself(tmp_path: Path) -> None:
    """Each order would come back and hold a worker, until there is none left."""
    with shop(tmp_path, "http://127.0.0.1:1") as here:
        itself = replace(here, service=str(here.client.base_url))
        refused = itself.command("remote")
        assert refused.returncode == 1
        assert "status 404 to GET /readyz" in refused.stderr
        assert here.order()["id"] == 1
