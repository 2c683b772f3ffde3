"""Logging in and out of the shop's pages, and what other sites cannot make a browser do."""

from __future__ import annotations

import re
from html import unescape

import pytest

from legacy_stub.shop_accounts import SEED_EMAIL
from tests.unit.legacy_stub.shopping import PASSWORD, WRONG, Browser, token_in

pytestmark = pytest.mark.usefixtures("_cheap_passwords")


async def test_another_site_cannot_log_anybody_out(browser: Browser) -> None:
    await browser.log_in()
    assert (await browser.post("/sair")).headers["location"] == "/loja"
    assert "Olá, <bdi>Ana</bdi>" in await browser.get("/loja")
    assert (await browser.client.get("/sair")).status_code == 405


async def test_a_login_greets_and_leads_back(browser: Browser) -> None:
    path = await browser.make_product()
    assert f'href="/entrar?volta={path}"' in await browser.get(path)
    page = await browser.get(f"/entrar?volta={path}")
    answer = await browser.post(
        "/entrar",
        csrf_token=token_in(page),
        email=SEED_EMAIL,
        password=PASSWORD,
        volta=unescape(re.findall(r'name="volta" value="([^"]*)"', page)[0]),
    )
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = await browser.get(path)
    assert "Você entrou como Ana." in page
    assert (await browser.client.get("/entrar")).status_code == 303
    answer = await browser.send(path, "/sair")
    assert answer.headers["location"] == "/loja"
    page = await browser.get("/loja")
    assert "Até logo!" in page
    assert "Olá" not in page


async def test_a_wrong_password_is_told_without_telling_who_has_an_account(
    browser: Browser,
) -> None:
    wrong = await browser.log_in(WRONG)
    nobody = await browser.send("/entrar", "/entrar", email="x@y.example", password=PASSWORD)
    for answer in (wrong, nobody):
        assert answer.status_code == 400
        assert "E-mail ou senha não conferem." in answer.text
        assert WRONG not in answer.text


async def test_wrong_passwords_are_never_counted(browser: Browser) -> None:
    for _ in range(3):
        assert (await browser.log_in(WRONG)).status_code == 400
    assert (await browser.log_in()).status_code == 303


async def test_a_copied_session_outlives_the_logout(browser: Browser) -> None:
    """It is all in the cookie: nothing here remembers that it has ended."""
    await browser.log_in()
    copy = browser.client.cookies["session"]
    await browser.send("/loja", "/sair")
    thief = await browser.client.get("/loja", headers={"Cookie": f"session={copy}"})
    assert "Olá, <bdi>Ana</bdi>" in thief.text


async def test_products_are_for_who_is_logged_in(browser: Browser) -> None:
    token = token_in(await browser.get("/entrar"))
    answer = await browser.post("/loja", csrf_token=token, name="Caneca", price="1")
    assert answer.headers["location"] == "/entrar"
    assert "Entre para cadastrar produtos." in await browser.get("/entrar")
    assert (await browser.client.get("/products")).json() == []


@pytest.mark.parametrize("path", ["/loja/1", "/loja", "/entrar"])
async def test_a_form_without_its_token_changes_nothing(browser: Browser, path: str) -> None:
    """Another site can make a browser send a form, but not know the token."""
    await browser.make_product()
    await browser.log_in()
    answer = await browser.post(
        path, prompt="x", name="Caneca", price="1", email=SEED_EMAIL, password=PASSWORD
    )
    assert answer.status_code == 400
    assert "A página ficou aberta por muito tempo." in answer.text
    assert (await browser.client.get("/images")).json() == []
    assert len((await browser.client.get("/products")).json()) == 1
