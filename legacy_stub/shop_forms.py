"""What browsers send from the shop's forms, and what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

from legacy_stub.flask_style import Request

FORM = "application/x-www-form-urlencoded"
FIELD_LIMIT = 20  # twice what the largest form has
NAME_CHARACTERS = 80  # the column's length
LARGEST_PRICE = Decimal("999999.99")
# 19,90 or 19.90; with a comma, or in groups of three, dots are for thousands
PRICE = re.compile(r"(?:R\$)?\s*(\d{1,3}(?:\.\d{3})+|\d{1,9})(?:,(\d{1,2}))?", re.ASCII)
PRICE_WITH_DOT = re.compile(r"(?:R\$)?\s*(\d{1,9})\.(\d{1,2})", re.ASCII)
# Where a login may lead to: pages of this shop, never another site
BACK = re.compile(r"/loja(/[0-9]{1,19})?", re.ASCII)
HOME = "/loja"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    """A product as somebody typed it in.

    Attributes:
        name: As typed, without white space around it.
        price_text: As typed.
        price: None when it is none.
        errors: Field -> what is wrong with it, in the customer's words.
    """

    name: str
    price_text: str
    price: float | None
    errors: Mapping[str, str] = field(default_factory=dict)


def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; of a repeated one the first counts.

    What is no form, or one with too many fields, has none.
    """
    if request.content_type.partition(";")[0].strip().lower() != FORM:
        return {}
    return _fields(request.body.decode("utf-8", "replace"))


def read_query(request: Request) -> dict[str, str]:
    """Return the query's fields, as ``read_form`` does."""
    try:
        return _fields(urlsplit("/" + request.target.lstrip("/")).query)
    except ValueError:
        return {}


def read_page(fields: Mapping[str, str]) -> int:
    """Return the number of the page that is asked for, 1 for anything that is none."""
    text = fields.get("pagina", "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= len("999999")
    return max(1, int(text)) if is_number else 1


def read_back(fields: Mapping[str, str]) -> str:
    """Return the page of this shop to go to after a login."""
    wanted = fields.get("volta", "")
    return wanted if BACK.fullmatch(wanted) else HOME


def read_prompt(fields: Mapping[str, str]) -> str:
    """Return what the picture shall show, with line ends as programs write them."""
    return fields.get("prompt", "").replace("\r\n", "\n").strip()


def read_product(fields: Mapping[str, str]) -> NewProduct:
    """Check a new product; unlike the product API, the form takes no nonsense."""
    name = " ".join(fields.get("name", "").split())
    price_text = fields.get("price", "").strip()
    price = read_price(price_text)
    errors = {}
    if not name:
        errors["name"] = "Dê um nome ao produto."
    elif len(name) > NAME_CHARACTERS:
        errors["name"] = f"Use no máximo {NAME_CHARACTERS} letras."
    if price is None:
        errors["price"] = "Escreva o preço em reais, por exemplo 19,90."
    elif price > LARGEST_PRICE:
        errors["price"] = "O preço pode ir até R$ 999.999,99."
    amount = None if price is None else float(price)
    return NewProduct(name=name, price_text=price_text, price=amount, errors=errors)


def read_price(text: str) -> Decimal | None:
    """Return an amount such as ``1.234,50``, ``19.90`` or ``R$ 7``; None for anything else."""
    match = PRICE.fullmatch(text) or PRICE_WITH_DOT.fullmatch(text)
    if match is None:
        return None
    return Decimal(f"{match[1].replace('.', '')}.{match[2] or 0}")


def _fields(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="replace", max_num_fields=FIELD_LIMIT
        )
    except ValueError:
        return {}
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields
