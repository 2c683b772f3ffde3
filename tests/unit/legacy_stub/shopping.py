"""A person who goes shopping, with a browser that runs no scripts."""

from __future__ import annotations

import re
from html import unescape

import httpx

from legacy_stub.settings import DEFAULTS
from legacy_stub.shop_accounts import SEED_EMAIL

PASSWORD, WRONG = DEFAULTS.seed_password, "errada"


class Browser:
    """A person with a browser that runs no scripts."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> str:
        """Open a page that is there."""
        answer = await self.client.get(path)
        assert answer.status_code == 200
        return answer.text

    async def send(self, form_at: str, path: str, **fields: str) -> httpx.Response:
        """Open the page with a form, fill it in and send it to ``path``."""
        return await self.post(path, csrf_token=token_in(await self.get(form_at)), **fields)

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form."""
        return await self.client.post(path, data=fields)

    async def log_in(self, password: str = PASSWORD, **more: str) -> httpx.Response:
        """Log in as Ana."""
        return await self.send("/entrar", "/entrar", email=SEED_EMAIL, password=password, **more)

    async def make_product(self, name: str = "Caneca", price: float = 19.9) -> str:
        """Make a product as programs do; return its page."""
        answer = await self.client.post("/products", json={"name": name, "price": price})
        return f"/loja/{answer.json()['id']}"


def token_in(page: str) -> str:
    """The token of a page's form."""
    found = re.search(r'name="csrf_token" value="([0-9a-f]{32})"', page)
    assert found is not None
    return found[1]


def texts(page: str, element: str) -> list[str]:
    """The texts of all such elements, without the elements within."""
    found = re.findall(rf"<{element}\b[^>]*>(.*?)</{element}>", page, re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>", "", text)).strip() for text in found]


def pictures_in(page: str) -> list[tuple[int, str]]:
    """Number and status of each picture on a product's page, in order."""
    found = re.findall(r'data-picture="(\d+)" data-status="(\w+)"', page)
    return [(int(number), status) for number, status in found]
