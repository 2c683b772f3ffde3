"""The shop's pages through the gateway: nobody who looks at them can tell who paints."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from tests.e2e.conftest import Backends, Start
from tests.support.load import IMAGE_SERVICE_FROM, picture_of
from tests.support.products import make_product

pytestmark = pytest.mark.e2e

LOGIN = {"email": "ana@loja.example", "password": "figueira"}


def browser(url: str) -> httpx.Client:
    """A person's browser; the scripts of the pages are played by the test."""
    return httpx.Client(base_url=url, trust_env=False, follow_redirects=True)


def send(client: httpx.Client, form_at: str, path: str, **fields: str) -> httpx.Response:
    """Open a page with a form, and send the form."""
    token = re.search(r'name="csrf_token" value="(\w+)"', client.get(form_at).text)
    assert token is not None
    return client.post(path, data={"csrf_token": token[1], **fields})


def page_of_new(base: str) -> str:
    """Make a product; return the path of its page."""
    return f"/loja/{make_product(base)}"


def order_by_script(client: httpx.Client, page: str, prompt: str) -> int:
    """Order as loja.js does; return the picture's id."""
    product_id = int(page.rpartition("/")[2])
    order = {"prompt": prompt, "size": "256x256", "product_id": product_id}
    made = client.post("/images", json=order).json()
    assert made["status"] == "pronta"
    return int(made["id"])


def listed(client: httpx.Client, page: str) -> list[int]:
    """The ids of the product's pictures, as loja.js asks for them."""
    product_id = int(page.rpartition("/")[2])
    images = client.get("/images").json()
    return [image["id"] for image in images if image["product_id"] == product_id]


def test_promise_6_a_page_orders_and_shows_pictures_of_either_side(start: Start) -> None:
    """Before the flip, after it, and after going back: all pictures stand on the page."""
    with start() as figueira, browser(figueira.url) as client:
        page = page_of_new(figueira.url)
        client.get(page)
        made: list[int] = []
        for percent in (0, 100, 0):
            if made:
                figueira.flip(percent)
            prompt = f"um farol, {percent} por cento"
            made.append(order_by_script(client, page, prompt))
            assert (made[-1] >= IMAGE_SERVICE_FROM) == (percent == 100)
            assert listed(client, page) == sorted(made)
            assert client.get(f"/images/{made[-1]}/file").content == picture_of(prompt)


def test_promise_6_without_scripts_a_form_works_whatever_the_split_says(start: Start) -> None:
    """It posts to the monolith, whose page shows the picture at once."""
    with start() as figueira, browser(figueira.url) as client:
        page = page_of_new(figueira.url)
        for percent in (0, 100):
            if percent:
                figueira.flip(percent)
            answer = send(client, page, page, prompt=f"chuva {percent}", size="256x256")
            assert answer.url.path == page
            assert "Sua imagem está pronta." in answer.text
            newest = re.findall(r'<img src="(/images/\d+/file)"', answer.text)[0]
            assert client.get(newest).content == picture_of(f"chuva {percent}")


def test_promise_1_a_login_crosses_the_gateway_and_outlives_a_flip(start: Start) -> None:
    """Both cookies come through as the monolith set them, and go back as the browser has them."""
    with start() as figueira, browser(figueira.url) as client:
        assert "Você entrou como Ana." in send(client, "/entrar", "/entrar", **LOGIN).text
        customer = client.cookies["customer"]
        figueira.flip(100)
        page = client.get("/loja")
        assert "Olá, <bdi>Ana</bdi>" in page.text
        assert client.cookies["customer"] == customer
        assert page.headers.get_list("set-cookie") == []
        assert "Até logo!" in send(client, "/loja", "/sair").text
        assert client.cookies["customer"] == customer


def test_promise_5_the_customer_cookie_keeps_a_browser_on_one_side(start: Start) -> None:
    """At any share, all of a browser's orders go to one side, logged in or out."""
    with start() as figueira:
        figueira.flip(50)
        sides: list[bool] = []
        for _ in range(12):
            with browser(figueira.url) as client:
                page = page_of_new(figueira.url)
                client.get(page)
                first = order_by_script(client, page, "x") >= IMAGE_SERVICE_FROM
                send(client, "/entrar", "/entrar", **LOGIN)
                later = order_by_script(client, page, "x") >= IMAGE_SERVICE_FROM
                assert first == later
                sides.append(first)
        lines = [line for line in figueira.access_lines() if line["method"] == "POST"]
        orders = [line for line in lines if line["path"] == "/images"]
        assert {line["reason"] for line in orders} == {"sticky"}, json.dumps(orders[:1])
        assert len(sides) == 12


def test_promise_4_pages_stand_while_the_image_service_is_away(
    start: Start, backends: Backends
) -> None:
    """The whole list is then 502, for half a list would be a lie; the monolith's pages are not."""
    with (
        start(IMAGE_SERVICE_URL="http://127.0.0.1:1") as figueira,
        browser(figueira.url) as client,
    ):
        page = page_of_new(backends.legacy)
        assert "Sua imagem está pronta." in send(client, page, page, prompt="x").text
        assert client.get("/images").status_code == 502
        assert client.get(page).status_code == 200
        assert client.get("/loja").status_code == 200
