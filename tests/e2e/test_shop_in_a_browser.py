"""The shop in a real browser, through the gateway: a person sees no migration."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    Route,
    ViewportSize,
    expect,
    sync_playwright,
)

from image_service.providers.procedural import render
from tests.conformance.legacy.process import running
from tests.e2e.conftest import Backends, Start
from tests.e2e.third_parties import lab
from tests.support.load import IMAGE_SERVICE_FROM
from tests.support.processes import PATIENCE_S
from tests.support.products import make_product

_MISSING = "" if lab.CHROMIUM else lab.missing()
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(_MISSING), reason=_MISSING)]

HOSTILE = "<img src=x onerror=alert(1)>\"'"
PHONE: ViewportSize = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright, lab.browser(playwright) as opened:
        yield opened


class Person:
    """Somebody at a page of the shop, who notes what goes wrong.

    Attributes:
        troubles: What the browser complained of, refusals by the pages' own policy included.
    """

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.troubles: list[str] = []
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.troubles.append(f"{error}"))
        page.on("dialog", lambda dialog: self.troubles.append(dialog.message))
        page.on("response", self._note_response)

    def open(self, path: str) -> None:
        """Go to a page."""
        self.page.goto(self.base + path)

    def order(self, prompt: str) -> None:
        """Order a picture, and wait until it is there to see."""
        self.page.get_by_label("O que a imagem deve mostrar?").fill(prompt)
        self.page.get_by_role("button", name="Encomendar imagem").click()
        expect(self.page.get_by_text("Sua imagem está pronta.")).to_be_visible()
        expect(self.picture(prompt)).to_have_js_property("naturalWidth", 512)

    def find_in_list(self, path: str) -> Locator:
        """Look through the shop's pages for the card that leads to a product."""
        self.open("/loja")
        card = self.page.get_by_role("listitem").filter(has=self.page.locator(f'a[href="{path}"]'))
        onwards = self.page.get_by_role("link", name="Próxima")
        while not card.count() and onwards.count():
            onwards.click()
        return card

    def picture(self, prompt: str) -> Locator:
        """The picture of an order."""
        return self.page.get_by_role("img", name=prompt, exact=True)

    def customer(self) -> str:
        """The name that the browser was given."""
        cookies = self.page.context.cookies()
        return next(f"{cookie['value']}" for cookie in cookies if cookie["name"] == "customer")

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(message.text)

    def _note_response(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"{response.status} {response.url}")


@contextmanager
def visiting(browser: Browser, base: str) -> Iterator[Person]:
    """A browser without a past."""
    context = browser.new_context(locale="pt-BR")
    try:
        yield Person(context.new_page(), base)
    finally:
        context.close()


def page_of_new(base: str, name: str) -> str:
    """Make a product as programs do; return its page."""
    return f"/loja/{make_product(base, name, 19.9)}"


def test_promise_6_a_person_orders_before_and_after_a_flip_and_back_and_sees_all(
    browser: Browser, start: Start
) -> None:
    """One page, three orders, two sides: nothing of it shows."""
    with start() as figueira, visiting(browser, figueira.url) as person:
        page = page_of_new(figueira.url, "Caneca")
        person.open(page)
        expect(person.page.get_by_text("ainda não tem imagens")).to_be_visible()
        customer = person.customer()
        person.order("uma praia")
        figueira.flip(100)
        person.order("uma serra")
        figueira.flip(0)
        person.order("um deserto")

        person.page.reload()
        for prompt in ("uma praia", "uma serra", "um deserto"):
            expect(person.picture(prompt)).to_have_js_property("naturalWidth", 512)
        items = person.page.locator("[data-picture]").all()
        ids = [int(item.get_attribute("data-picture") or "") for item in items]
        assert ids == sorted(ids, reverse=True)
        assert [number >= IMAGE_SERVICE_FROM for number in ids] == [True, False, False]
        card = person.find_in_list(page)
        expect(card).to_contain_text("3 imagens")
        expect(card.locator("img")).to_have_js_property("naturalWidth", 512)
        assert person.customer() == customer
        assert person.troubles == []


def test_a_person_logs_in_and_out_and_fills_the_shop(browser: Browser, start: Start) -> None:
    with start() as figueira, visiting(browser, figueira.url) as person:
        page = person.page
        person.open("/entrar")
        page.get_by_label("E-mail").fill("ana@loja.example")
        page.get_by_label("Senha").fill("figueira")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Você entrou como Ana.")).to_be_visible()
        if not page.get_by_label("Nome").is_visible():
            page.get_by_text("Cadastrar um produto").click()
        page.get_by_label("Nome").fill(HOSTILE)
        page.get_by_label("Preço em reais").fill("1.019,90")
        page.get_by_role("button", name="Cadastrar").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
        expect(page.get_by_text("R$\xa01.019,90")).to_be_visible()
        person.order(HOSTILE)
        page.get_by_role("button", name="Sair").click()
        expect(page.get_by_role("link", name="Entrar", exact=True)).to_be_visible()
        assert person.troubles == []


def test_a_refused_order_is_told_and_what_was_typed_stays(browser: Browser, start: Start) -> None:
    with start() as figueira, visiting(browser, figueira.url) as person:
        person.open(page_of_new(figueira.url, "Prato"))
        field = person.page.get_by_label("O que a imagem deve mostrar?")
        field.fill("  \n ")
        person.page.get_by_role("button", name="Encomendar imagem").click()
        expect(person.page.get_by_role("alert")).to_have_text(
            "Descreva o que a imagem deve mostrar."
        )
        expect(field).to_be_focused()
        assert person.troubles == []


def test_promise_4_while_the_image_service_is_away_the_page_says_so_and_shows_what_it_has(
    browser: Browser, start: Start, backends: Backends
) -> None:
    """Half a list would be a lie, so the gateway gives none; what came with the page stands."""
    with (
        start(IMAGE_SERVICE_URL="http://127.0.0.1:1") as figueira,
        visiting(browser, figueira.url) as person,
    ):
        person.open(page_of_new(backends.legacy, "Relógio"))
        person.order("um farol")
        person.page.reload()
        expect(person.page.get_by_text("Algumas imagens não puderam")).to_be_visible()
        expect(person.picture("um farol")).to_have_js_property("naturalWidth", 512)
        answers = [trouble for trouble in person.troubles if trouble[:3].isdecimal()]
        assert set(answers) == {f"502 {figueira.url}/images"}


def test_an_order_without_an_answer_is_told_and_never_sent_twice(
    browser: Browser, start: Start
) -> None:
    """It may have been made all the same, and be paid for."""
    with start() as figueira, visiting(browser, figueira.url) as person:
        person.open(page_of_new(figueira.url, "Relógio"))
        expect(person.page.get_by_text("ainda não tem imagens")).to_be_visible()
        sent: list[str] = []

        def fail(route: Route) -> None:
            if route.request.method == "POST":
                sent.append(route.request.url)
                route.abort()
            else:
                route.continue_()

        person.page.route("**/images", fail)
        field = person.page.get_by_label("O que a imagem deve mostrar?")
        field.fill("uma onda")
        person.page.get_by_role("button", name="Encomendar imagem").click()
        expect(person.page.get_by_role("alert")).to_contain_text("Não conseguimos pintar")
        expect(field).to_have_value("uma onda")
        expect(field).to_be_focused()
        expect(person.page.get_by_text("Pintando…")).to_have_count(0)
        assert sent == [f"{figueira.url}/images"]


def test_an_order_that_is_answered_before_it_is_painted_appears_when_it_is(
    browser: Browser, start: Start
) -> None:
    """An image service may answer ``pendente`` rather than keep a customer waiting."""
    with start() as figueira, visiting(browser, figueira.url) as person:
        page = page_of_new(figueira.url, "Bule")
        product_id = int(page.rpartition("/")[2])
        record: dict[str, object] = {"id": 2_000_000_000, "prompt": "orvalho", "size": "512x512"}
        record |= {"product_id": product_id, "status": "pendente"}
        person.open(page)
        expect(person.page.get_by_text("ainda não tem imagens")).to_be_visible()
        person.page.route("**/images", lambda route: route.fulfill(json=record))
        person.page.route("**/images/2000000000", lambda route: route.fulfill(json=record))
        picture = render("orvalho", 512, 512)
        person.page.route(
            "**/images/2000000000/file",
            lambda route: route.fulfill(body=picture, content_type="image/png"),
        )
        person.page.get_by_label("O que a imagem deve mostrar?").fill("orvalho")
        person.page.get_by_role("button", name="Encomendar imagem").click()
        expect(person.page.get_by_text("Sua imagem está a caminho.")).to_be_visible()
        expect(person.page.get_by_text("A caminho…")).to_be_visible()
        record["status"] = "pronta"
        expect(person.picture("orvalho")).to_have_js_property("naturalWidth", 512)
        assert person.troubles == []


def test_a_picture_on_its_way_appears_without_a_reload(browser: Browser, tmp_path: Path) -> None:
    """Somebody else ordered it, on a monolith that takes its time."""
    with running(tmp_path, LEGACY_IMAGE_DELAY="2") as monolith:
        base = f"http://127.0.0.1:{monolith.port}"
        page = page_of_new(base, "Quadro")
        order = {"prompt": "neblina", "product_id": 1}
        thread = threading.Thread(
            target=lambda: httpx.post(
                f"{base}/images", json=order, trust_env=False, timeout=PATIENCE_S
            )
        )
        thread.start()
        while not httpx.get(f"{base}/images", trust_env=False).json():
            assert thread.is_alive()
        with visiting(browser, base) as person:
            person.open(page)
            expect(person.page.get_by_text("A caminho…")).to_be_visible()
            expect(person.picture("neblina")).to_have_js_property("naturalWidth", 512)
            assert person.troubles == []
        thread.join(PATIENCE_S)


def test_pages_fit_a_phone(browser: Browser, start: Start) -> None:
    """Nothing sticks out at the side, whatever the names are."""
    with start() as figueira:
        page = page_of_new(figueira.url, "x" * 300)
        order = {"prompt": "y" * 300, "product_id": int(page.rpartition("/")[2])}
        httpx.post(f"{figueira.url}/images", json=order, trust_env=False)
        context = browser.new_context(viewport=PHONE)
        person = Person(context.new_page(), figueira.url)
        for path in ("/loja", page, "/entrar", "/loja/999999"):
            person.open(path)
            for element in person.page.locator("main *:visible").all():
                box = element.bounding_box()
                assert box is None or box["x"] + box["width"] <= PHONE["width"], (path, box)
        context.close()
        assert [t for t in person.troubles if not re.search("404|Failed to load", t)] == []
