"""What pages make of values, and the files that they load."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_stub.database import Product
from legacy_stub.flask_style import Request
from legacy_stub.shop_accounts import Account
from legacy_stub.shop_pages import (
    FILES,
    Shelf,
    alt_text,
    file_handlers,
    files_by_name,
    price_text,
    render,
    shelves,
)
from legacy_stub.shop_pictures import Picture
from legacy_stub.shop_visit import Visit


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (0.0, "R$\xa00,00"),
        (19.9, "R$\xa019,90"),
        (1234.5, "R$\xa01.234,50"),
        (1234567.891, "R$\xa01.234.567,89"),
        (-5.0, "-R$\xa05,00"),
        (-0.001, "R$\xa00,00"),
        (1e12, "Preço sob consulta"),
        (-1e300, "Preço sob consulta"),
        (math.inf, "Preço sob consulta"),
        (math.nan, "Preço sob consulta"),
    ],
)
def test_a_price_of_any_kind_is_shown_as_brazilians_write_it(price: float, text: str) -> None:
    assert price_text(price) == text


def test_a_long_order_is_read_out_shortened() -> None:
    assert alt_text(" uma\npraia ") == "uma praia"
    assert alt_text("x" * 200) == "x" * 200
    assert alt_text("x" * 201) == "x" * 199 + "…"


class Skeleton(HTMLParser):
    """What is a page's own: elements and the names of their attributes; and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def product_page(text: str) -> Skeleton:
    """A product's page, with ``text`` wherever people can put some."""
    values = {
        "product": Product(id=1, name=text, price=1.0),
        "pictures": [Picture(id=1, product_id=1, prompt=text, size="512x512", status="pronta")],
        "total": 1,
        "is_whole": True,
        "shown": 60,
        "prompt": text,
        "size": text,
        "limit": 4000,
        "problem": text,
    }
    account = Account(id=1, name=text)
    session: dict[str, object] = {"_flashes": [("success", text)]}
    return Skeleton(render("produto.html", Visit(session=session, account=account), values))


ORDINARY = product_page("x")


@given(st.text(min_size=1, alphabet=st.sampled_from("<>&\"'/= \n!-{}%#a;`\0]\N{COMBINING TILDE}")))
def test_no_text_of_people_becomes_a_part_of_a_page(text: str) -> None:
    """It has the elements and attributes that it has with an ordinary word, and shows the text."""
    page = product_page(text)
    assert page.elements == ORDINARY.elements
    assert text in page.text


def _picture(number: int, product_id: int, status: str) -> Picture:
    return Picture(id=number, product_id=product_id, prompt="x", size="512x512", status=status)


def test_a_shelf_shows_the_newest_picture_that_is_ready() -> None:
    pictures = [
        _picture(9, 1, "pendente"),
        _picture(8, 1, "pronta"),
        _picture(7, 2, "falhou"),
        _picture(6, 1, "pronta"),
    ]
    assert shelves([1, 2, 3], pictures) == {
        1: Shelf(cover=pictures[1], ready=2, pending=1),
        2: Shelf(cover=None, ready=0, pending=0),
        3: Shelf(cover=None, ready=0, pending=0),
    }


@pytest.mark.parametrize("name", ["loja.css", "loja.js", "icone.svg"])
def test_a_file_is_kept_for_ever_under_a_url_that_tells_its_version(name: str) -> None:
    path, _, version = files_by_name()[name].partition("?v=")
    answer = file_handlers()[path](Request(method="GET", target=path), 0)
    headers = dict(answer.headers)
    assert len(version) == 12
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Length"] == str(len(answer.body))
    assert "Set-Cookie" not in headers


def test_no_file_asks_for_anything_from_elsewhere() -> None:
    """Nothing of the shop is loaded from another host."""
    for path, handler in file_handlers().items():
        text = handler(Request(method="GET", target=path), 0).body.decode()
        addresses = re.findall(r"\w+://[^\s\"']*|url\([^)]*\)|@import.*", text)
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, path


LEGIBLE, VISIBLE = 4.5, 3.0
"""WCAG 2.2, 1.4.3 and 1.4.11: least contrast of text and of a field's edge with the ground."""
ON = [
    ("ink", "paper"),
    ("ink", "card"),
    ("ink", "shade"),
    ("soft", "paper"),
    ("soft", "card"),
    ("soft", "shade"),
    ("accent", "paper"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("good", "card"),
    ("good", "good-shade"),
    ("bad", "card"),
    ("bad", "shade"),
    ("bad", "bad-shade"),
]
"""Text -> what it stands on."""


def _luminance(colour: str) -> float:
    """How bright ``rrggbb`` looks, 0 to 1 (WCAG 2.2, relative luminance)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str, scheme: int) -> float:
    """The contrast of two of the style sheet's colours, 1 to 21."""
    css = (FILES / "loja.css").read_text()
    colours = re.findall(r"--([\w-]+): #([0-9a-f]{6});", css.replace("#fff;", "#ffffff;"))
    half = len(colours) // 2
    own = dict(colours[half * scheme : half * (scheme + 1)])
    dark, light = sorted((_luminance(own[one]), _luminance(own[other])))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_weak_eyes_can_read_texts_and_find_fields(scheme: int) -> None:
    assert [pair for pair in ON if _contrast(*pair, scheme) < LEGIBLE] == []
    assert _contrast("edge", "card", scheme) >= VISIBLE
