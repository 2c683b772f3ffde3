"""What is read out of forms, addresses and prices."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_stub.flask_style import Request
from legacy_stub.shop_forms import (
    read_back,
    read_form,
    read_page,
    read_price,
    read_product,
    read_prompt,
    read_query,
)

FORM = "application/x-www-form-urlencoded"


def posted(body: bytes, content_type: str = FORM) -> Request:
    """A request with a body."""
    return Request(method="POST", target="/loja", content_type=content_type, body=body)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {}),
        (b"a=1&b=&c", {"a": "1", "b": "", "c": ""}),
        (b"a=1&a=2", {"a": "1"}),
        (b"a=p%C3%A3o+doce%0D%0A", {"a": "pão doce\r\n"}),
        (b"a=%FF\xff", {"a": "��"}),
        (b"&".join([b"a=1"] * 21), {}),
    ],
)
def test_a_form_is_read_as_browsers_write_it(body: bytes, fields: dict[str, str]) -> None:
    assert read_form(posted(body)) == fields
    assert read_form(posted(body, f"{FORM.upper()}; charset=utf-8")) == fields


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data; boundary=x"]
)
def test_what_is_no_form_has_no_fields(content_type: str) -> None:
    assert read_form(posted(b"a=1", content_type)) == {}


@pytest.mark.parametrize(
    ("target", "page"),
    [
        ("/loja", 1),
        ("/loja?pagina=3", 3),
        ("/loja?pagina=0", 1),
        ("/loja?pagina=-3", 1),
        ("/loja?pagina=%D9%A3", 1),
        ("/loja?pagina=9999999999", 1),
        ("/loja?pagina=2&pagina=3", 2),
        ("//[?pagina=2", 2),
        ("http://shop.test/loja?pagina=2", 2),
    ],
)
def test_the_page_of_a_query(target: str, page: int) -> None:
    assert read_page(read_query(Request(method="GET", target=target))) == page


@pytest.mark.parametrize("wanted", ["/loja", "/loja/7", "/loja/1000000001"])
def test_a_login_leads_back_to_the_page_it_came_from(wanted: str) -> None:
    assert read_back({"volta": wanted}) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "https://elsewhere.test/",
        "//elsewhere.test",
        "/\\elsewhere.test",
        "/loja/../sair",
        "/loja//elsewhere.test",
        "/loja/7\r\nSet-Cookie: a=b",
        "/loja/7\n",
        "/loja\n",
        "javascript:alert(1)",
        "/loja/\N{ARABIC-INDIC DIGIT SEVEN}",
    ],
)
def test_a_login_never_leads_elsewhere(wanted: str) -> None:
    assert read_back({"volta": wanted}) == "/loja"


def test_a_prompt_has_the_line_ends_of_programs() -> None:
    assert read_prompt({"prompt": "  uma praia\r\ncom barcos \r\n"}) == "uma praia\ncom barcos"
    assert read_prompt({}) == ""


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("19,90", "19.90"),
        ("19.90", "19.90"),
        ("19.9", "19.9"),
        ("7", "7"),
        ("R$ 7", "7"),
        ("1.234", "1234"),
        ("1.234,5", "1234.5"),
        ("12.345.678,90", "12345678.90"),
        ("0,01", "0.01"),
    ],
)
def test_a_price_as_brazilians_write_it(text: str, price: str) -> None:
    assert read_price(text) == Decimal(price)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "grátis",
        "-1",
        "1,234",
        "1,2,3",
        "1.23.4",
        "1e3",
        "Infinity",
        "NaN",
        "\N{ARABIC-INDIC DIGIT SEVEN}",
        "9" * 10,
        ",5",
    ],
)
def test_what_is_no_price(text: str) -> None:
    assert read_price(text) is None


@given(st.integers(min_value=0, max_value=99_999_999_999))
def test_every_amount_is_read_as_it_is_written(cents: int) -> None:
    """With groups of three and a comma, as the pages themselves show prices."""
    text = f"{cents // 100:,}".replace(",", ".") + f",{cents % 100:02}"
    assert read_price(text) == Decimal(cents) / 100


@pytest.mark.parametrize(
    ("name", "price", "wrong"),
    [
        ("Caneca", "19,90", set()),
        ("x" * 80, "999.999,99", set()),
        ("x" * 81, "1", {"name"}),
        (" \t ", "1", {"name"}),
        ("", "", {"name", "price"}),
        ("Caneca", "1.000.000,00", {"price"}),
        ("Caneca", "abc", {"price"}),
    ],
)
def test_a_new_product_is_told_all_that_is_wrong_with_it(
    name: str, price: str, wrong: set[str]
) -> None:
    assert set(read_product({"name": name, "price": price}).errors) == wrong


def test_white_space_in_a_name_is_one_space() -> None:
    product = read_product({"name": "  Caneca \n azul ", "price": " 19,90 "})
    assert (product.name, product.price) == ("Caneca azul", 19.9)
