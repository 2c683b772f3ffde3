"""The shop's pages while the image service draws for the monolith: no script, no gateway."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.legacy.process import running
from tests.conformance.legacy.test_gallery import FIRST_REMOTE_ID, image_service
from tests.conformance.legacy.test_shop_pages import browser, send

pytestmark = pytest.mark.e2e


def test_a_page_orders_from_whom_the_monolith_orders_from(tmp_path: Path) -> None:
    """It shows both sides' pictures; with the service away it stands, and says what is missing."""
    with running(tmp_path, LEGACY_IMAGE_DELAY="0") as monolith, browser(monolith) as client:
        client.post("/products", json={"name": "Caneca", "price": 1})
        send(client, "/loja/1", "/loja/1", prompt="feita em casa")
    with image_service(tmp_path) as (service, url):
        settings = {"LEGACY_IMAGES": "remote", "IMAGE_SERVICE_URL": url}
        with running(tmp_path, **settings) as monolith, browser(monolith) as client:
            page = send(client, "/loja/1", "/loja/1", prompt="feita fora")
            assert "Sua imagem está pronta." in page.text
            ids = [int(number) for number in re.findall(r'data-picture="(\d+)"', page.text)]
            assert ids == [FIRST_REMOTE_ID, 1]
            assert service.stop() == 0
            failed = send(client, "/loja/1", "/loja/1", prompt="sem ninguém")
            assert failed.status_code == 500
            assert "Não conseguimos pintar esta imagem agora." in failed.text
            assert "sem ninguém</textarea>" in failed.text
            page = client.get("/loja/1")
            assert page.status_code == 200
            assert re.search(r"data-partial>Algumas imagens não puderam", page.text)
            assert client.get("/loja").status_code == 200
