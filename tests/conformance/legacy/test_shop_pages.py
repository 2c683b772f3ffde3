"""The shop's pages over real HTTP: what a browser gets, and what survives a restart."""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer

from tests.conformance.legacy.process import Monolith, running

pytestmark = pytest.mark.e2e

KEY = "a key that a gateway has as well"
LOGIN = {"email": "ana@loja.example", "password": "figueira"}


@contextmanager
def browser(monolith: Monolith) -> Iterator[httpx.Client]:
    """A person's browser: it keeps cookies and follows redirects."""
    base = f"http://127.0.0.1:{monolith.port}"
    with httpx.Client(base_url=base, trust_env=False, follow_redirects=True) as client:
        yield client


def send(client: httpx.Client, form_at: str, path: str, **fields: str) -> httpx.Response:
    """Open a page with a form, and send the form."""
    token = re.search(r'name="csrf_token" value="(\w+)"', client.get(form_at).text)
    assert token is not None
    return client.post(path, data={"csrf_token": token[1], **fields})


def test_a_person_logs_in_makes_a_product_and_orders_a_picture_for_it(tmp_path: Path) -> None:
    """Without a script, and without a word of it in the product API's answers."""
    with running(tmp_path, LEGACY_IMAGE_DELAY="0") as monolith, browser(monolith) as client:
        assert client.get("/products").headers.get_list("set-cookie") == []
        assert "A loja ainda está vazia" in client.get("/loja").text
        customer = client.cookies["customer"]
        assert "Você entrou como Ana." in send(client, "/entrar", "/entrar", **LOGIN).text
        page = send(client, "/loja", "/loja", name="Caneca", price="19,90")
        assert page.url.path == "/loja/1"
        page = send(client, "/loja/1", "/loja/1", prompt="um farol", size="256x256")
        assert page.history[0].status_code == 303
        assert "Sua imagem está pronta." in page.text
        (picture,) = re.findall(r'src="(/images/\d+/file)"', page.text)
        assert client.get(picture).headers["content-type"] == "image/png"
        assert client.get("/products").headers.get_list("set-cookie") == []
        assert client.cookies["customer"] == customer
        assert "Até logo!" in send(client, "/loja", "/sair").text
        assert monolith.stop(signal.SIGTERM) == 0
    assert monolith.log == []


def test_a_login_outlives_a_restart(tmp_path: Path) -> None:
    """The key that was made at the first start is kept, for this user alone."""
    with running(tmp_path) as monolith, browser(monolith) as client:
        send(client, "/entrar", "/entrar", **LOGIN)
        cookies = dict(client.cookies)
    assert (tmp_path / "session.key").stat().st_mode & 0o777 == 0o600
    with running(tmp_path) as monolith, browser(monolith) as client:
        client.cookies.update(cookies)
        page = client.get("/loja")
        assert "Olá, <bdi>Ana</bdi>" in page.text
        assert page.headers.get_list("set-cookie") == []


def test_who_has_the_key_reads_who_is_logged_in(tmp_path: Path) -> None:
    """The recipe of Flask's documentation, with nothing of this program: so can a gateway."""
    with running(tmp_path, LEGACY_SECRET_KEY=KEY) as monolith, browser(monolith) as client:
        send(client, "/entrar", "/entrar", **LOGIN)
        client.get("/loja")
        serializer = URLSafeTimedSerializer(
            KEY,
            salt="cookie-session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
        )
        assert serializer.loads(client.cookies["session"], max_age=60)["user_id"] == 1
    assert not (tmp_path / "session.key").exists()


def test_the_recipe_of_the_documentation_works() -> None:
    page = (Path(__file__).parents[3] / "docs" / "shop.md").read_text()
    (recipe,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    done = subprocess.run(  # noqa: S603 - our own documentation's words
        [sys.executable, "-c", recipe], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_a_key_that_is_none_ends_the_start_with_one_line(tmp_path: Path) -> None:
    """Another key in its place would log everybody out, and nobody would know why."""
    (tmp_path / "session.key").write_text("short\n")
    ended = subprocess.run(
        [sys.executable, "-m", "legacy_stub", "--port", "0"],
        env={"LEGACY_DATABASE_URL": f"sqlite:///{tmp_path}/legacy.db"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"legacy_stub: session key {tmp_path}/session.key: holds no key")
    assert ended.stderr.count("\n") == 1


def test_two_browsers_are_two_customers_and_heads_are_heads(tmp_path: Path) -> None:
    with running(tmp_path) as monolith, browser(monolith) as one, browser(monolith) as other:
        assert one.get("/loja").text == other.get("/loja").text
        assert one.cookies["customer"] != other.cookies["customer"]
        head, whole = one.head("/loja"), one.get("/loja")
        assert head.content == b""
        assert head.headers["content-length"] == str(len(whole.content))
        assert one.options("/loja").headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert one.get("/loja/").status_code == 404
        assert one.get("/loja/abc").status_code == 404


def test_behind_tls_cookies_are_for_tls_alone(tmp_path: Path) -> None:
    """A gateway that speaks TLS with customers says so."""
    with running(tmp_path) as monolith, browser(monolith) as client:
        page = client.get("/entrar", headers={"X-Forwarded-Proto": "https"})
        cookies = page.headers.get_list("set-cookie")
        assert len(cookies) == 2
        assert all(cookie.endswith("; Secure") for cookie in cookies)
