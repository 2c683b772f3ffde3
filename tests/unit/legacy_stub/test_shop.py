"""The shop's pages as a browser without scripts uses them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from html import unescape
from types import SimpleNamespace

import httpx
import pytest

from legacy_stub.app import create_app
from legacy_stub.settings import Settings
from legacy_stub.shop_pages import PROMPT_CHARACTERS, SIZE_NAMES
from tests.unit.legacy_stub.conftest import fake_png
from tests.unit.legacy_stub.shopping import WRONG, Browser, pictures_in, texts, token_in

pytestmark = pytest.mark.usefixtures("_cheap_passwords")

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"
PAGES = ("/loja", "/loja/1", "/loja/999", "/entrar")


async def test_an_empty_shop_says_so_and_who_is_logged_in_can_fill_it(browser: Browser) -> None:
    page = await browser.get("/loja")
    assert "A loja ainda está vazia" in page
    assert 'action="/loja"' not in page
    await browser.log_in()
    answer = await browser.send("/loja", "/loja", name="Caneca", price="1.019,90")
    assert (answer.status_code, answer.headers["location"]) == (303, "/loja/1")
    page = await browser.get("/loja/1")
    # isolated: a name from right to left would turn the sentence round
    assert "“\u2068Caneca\u2069” já está na loja." in page
    assert texts(page, "h1") == ["Caneca"]
    assert "R$\xa01.019,90" in page
    products = (await browser.client.get("/products")).json()
    assert products == [{"id": 1, "name": "Caneca", "price": 1019.9}]


async def test_the_form_refuses_what_the_product_api_takes(browser: Browser) -> None:
    """The form says what is wrong with it and keeps what was typed."""
    await browser.log_in()
    answer = await browser.send("/loja", "/loja", name="", price="-5")
    assert answer.status_code == 400
    assert "Dê um nome ao produto." in answer.text
    assert "Escreva o preço em reais" in answer.text
    assert 'value="-5"' in answer.text
    assert await browser.make_product("", -5) == "/loja/1"
    page = await browser.get("/loja")
    assert texts(page, "h2") == ["(sem nome)"]
    assert "-R$\xa05,00" in page


async def test_many_products_stand_on_pages_of_24(browser: Browser) -> None:
    for number in range(30):
        await browser.make_product(f"n{number}")
    first, second = await browser.get("/loja"), await browser.get("/loja?pagina=2")
    assert texts(first, "h2") == [f"n{number}" for number in range(24)]
    assert texts(second, "h2") == [f"n{number}" for number in range(24, 30)]
    assert "Página 2 de 2" in await browser.get("/loja?pagina=77")
    assert "Página 1 de 2" in await browser.get("/loja?pagina=abc")


async def test_an_order_is_made_and_shown_on_the_page_it_came_from(browser: Browser) -> None:
    """The browser is sent there by 303: a reload orders nothing."""
    path = await browser.make_product()
    answer = await browser.send(path, path, prompt="uma praia\r\ncom barcos", size="256x256")
    assert (answer.status_code, answer.headers["location"], answer.content) == (303, path, b"")
    page = await browser.get(path)
    assert "Sua imagem está pronta." in page
    assert "Sua imagem está pronta." not in await browser.get(path)
    assert pictures_in(page) == [(1, "pronta")]
    assert 'alt="uma praia com barcos" width="256" height="256"' in page
    file = (await browser.client.get("/images/1/file")).content
    assert file == fake_png("uma praia\ncom barcos", 256, 256)


async def test_an_order_needs_no_login(browser: Browser) -> None:
    """Nor does POST /images, which has no token either."""
    path = await browser.make_product()
    assert (await browser.send(path, path, prompt="x", size="512x512")).status_code == 303
    assert (await browser.client.post("/images", json={"prompt": "x"})).json()["id"] == 2


@pytest.mark.parametrize(
    ("prompt", "size", "text"),
    [
        (" \r\n", "512x512", "Descreva o que a imagem deve mostrar."),
        (
            "x" * (PROMPT_CHARACTERS + 1),
            "512x512",
            "A descrição é longa demais: use até 4.000 letras.",
        ),
        (HOSTILE, "513x512", "Escolha um dos tamanhos da lista."),
    ],
)
async def test_a_bad_order_is_told_and_what_was_typed_is_kept(
    browser: Browser, prompt: str, size: str, text: str
) -> None:
    path = await browser.make_product()
    answer = await browser.send(path, path, prompt=prompt, size=size)
    assert answer.status_code == 400
    assert f'role="alert" data-problem>{text}</p>' in answer.text
    (typed,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", answer.text, re.DOTALL)
    assert unescape(typed) == prompt.strip()
    assert (await browser.client.get("/images")).json() == []


async def test_what_the_page_offers_is_what_the_images_take(browser: Browser) -> None:
    """The longest order, and every size."""
    path = await browser.make_product()
    page = await browser.get(path)
    assert re.findall(r'<option value="(\w+)"', page) == list(SIZE_NAMES)
    assert f'maxlength="{PROMPT_CHARACTERS}"' in page
    for size in SIZE_NAMES:
        answer = await browser.send(path, path, prompt="x" * PROMPT_CHARACTERS, size=size)
        assert answer.status_code == 303


async def test_only_pages_give_cookies(browser: Browser) -> None:
    """A program that uses the shop's JSON has no name, as ever."""
    await browser.make_product()
    for path in ("/products", "/products/1", "/images", "/static/x", "/nothing", "/loja/loja.css"):
        assert "set-cookie" not in (await browser.client.get(path)).headers
    assert len((await browser.client.get("/loja")).headers.get_list("set-cookie")) == 1
    assert len((await browser.client.get("/loja/1")).headers.get_list("set-cookie")) == 1


async def test_a_missing_product_is_404_on_its_page_and_200_in_json(browser: Browser) -> None:
    for number in ("9", "0", f"{2**63}"):
        answer = await browser.client.get(f"/loja/{number}")
        assert answer.status_code == 404
        assert "Este produto não existe" in answer.text
    assert (await browser.client.get("/products/9")).status_code == 200
    token = token_in(await browser.get("/entrar"))
    answer = await browser.post("/loja/9", csrf_token=token, prompt="x")
    assert answer.status_code == 404
    assert (await browser.client.get("/images")).json() == []


async def test_whatever_people_typed_is_text(browser: Browser) -> None:
    """No name, no prompt and no address becomes a part of the page itself."""
    await browser.make_product(HOSTILE)
    await browser.send("/loja/1", "/loja/1", prompt=HOSTILE, size="512x512")
    for path in ("/loja", "/loja/1"):
        page = await browser.get(path)
        assert HOSTILE in unescape(page)
        assert "alert(1)" not in re.sub(r"&lt;script&gt;alert\(1\)", "", page)
    failed = await browser.send("/entrar", "/entrar", email=HOSTILE, password=WRONG)
    assert 'value="&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;{{7*7}}"' in failed.text


async def test_a_page_runs_and_loads_nothing_but_its_own(browser: Browser) -> None:
    await browser.make_product()
    for path in PAGES:
        await _assert_own(browser, await browser.client.get(path))


async def _assert_own(browser: Browser, answer: httpx.Response) -> None:
    headers = answer.headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "img", "connect")} == {"'self'"}
    assert (policy["base-uri"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert headers["cache-control"] == "no-store"
    assert headers["vary"] == "Cookie"
    assert headers["x-content-type-options"] == "nosniff"
    assert " style=" not in answer.text
    assert not re.search(r"\son\w+=|<style|javascript:|<script(?! src=)", answer.text)
    links = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
    assert [link for link in links if not link.startswith(("/", "#"))] == []
    for link in links:
        if "?v=" in link:
            assert (await browser.client.get(link)).status_code == 200


@pytest.mark.parametrize("path", PAGES)
async def test_every_field_has_a_label_and_every_picture_a_text(
    browser: Browser, path: str
) -> None:
    await browser.log_in()
    await browser.make_product()
    await browser.send("/loja/1", "/loja/1", prompt="x", size="512x512")
    page = (await browser.client.get(path, follow_redirects=True)).text
    fields = re.findall(r"<(?:input|textarea|select)\b[^>]*>", page)
    for field in fields:
        name = re.search(r'\bid="(\w+)"', field)
        assert 'type="hidden"' in field or (name and f'<label for="{name[1]}">' in page), field
    assert all(" alt=" in image for image in re.findall(r"<img\b[^>]*>", page))
    assert page.count("<h1") == 1
    assert '<html lang="pt-BR">' in page


async def test_the_largest_id_stands_first(browser: Browser) -> None:
    """Ids are the only order there is: no record says when a picture was made."""
    path = await browser.make_product()
    for prompt in "abc":
        await browser.client.post("/images", json={"prompt": prompt, "product_id": 1})
    await browser.client.post("/images", json={"prompt": "of another", "product_id": 2})
    assert pictures_in(await browser.get(path)) == [(3, "pronta"), (2, "pronta"), (1, "pronta")]
    page = await browser.get("/loja")
    assert 'data-cover="3"' in page
    assert "3 imagens" in page


async def test_a_page_reads_the_whole_list_of_images(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few of them are its own."""
    path = await browser.make_product()
    for _ in range(5):
        await browser.client.post("/images", json={"prompt": "x"})
    read: list[int] = []

    def load(text: bytes) -> object:
        value = json.loads(text)
        read.append(len(value))
        return value

    monkeypatch.setattr("legacy_stub.shop_pictures.json", SimpleNamespace(loads=load))
    assert pictures_in(await browser.get(path)) == []
    assert read == [5]


async def test_a_page_shows_the_newest_of_many_pictures(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("legacy_stub.shop.PICTURES_SHOWN", 3)
    path = await browser.make_product()
    for _ in range(5):
        await browser.client.post("/images", json={"prompt": "x", "product_id": 1})
    page = await browser.get(path)
    assert [number for number, _ in pictures_in(page)] == [5, 4, 3]
    assert "Mostramos as 3 mais novas de 5." in page


class Failing:
    """A renderer that fails while it is told to."""

    def __init__(self) -> None:
        self.fails = True

    def render(self, prompt: str, width: int, height: int) -> bytes:
        """Draw, or fail."""
        if self.fails:
            raise RuntimeError("no paint left")
        return fake_png(prompt, width, height)


@pytest.fixture
async def failing(settings: Settings) -> AsyncIterator[Browser]:
    """A shop that cannot paint."""
    app = create_app(settings, render=Failing().render)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client,
    ):
        yield Browser(client)


async def test_a_picture_that_fails_is_told_and_stands_there_as_on_its_way(
    failing: Browser,
) -> None:
    """As the row stays pendente, the page says so, for ever."""
    path = await failing.make_product()
    answer = await failing.send(path, path, prompt="uma praia", size="512x512")
    assert answer.status_code == 500
    assert "Não conseguimos pintar esta imagem agora." in answer.text
    assert "uma praia</textarea>" in answer.text
    assert "no paint left" not in answer.text
    page = await failing.get(path)
    assert pictures_in(page) == [(1, "pendente")]
    assert "A caminho…" in page
    assert "1 a caminho" in await failing.get("/loja")


async def test_pages_stand_without_pictures_when_nobody_can_say_which(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Products can be looked at, also while whoever knows the pictures is away."""
    path = await browser.make_product()

    def fail(*_arguments: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("legacy_stub.shop_pictures.json.loads", fail)
    assert texts(await browser.get("/loja"), "h2") == ["Caneca"]
    page = await browser.get(path)
    assert re.search(r"data-partial>Algumas imagens não puderam ser carregadas", page)
    assert re.search(r"data-empty hidden", page)
