"""The order of a picture: what the request must say, decided purely.

The same rules hold on the monolith; tests/conformance/images runs one table against both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from image_service.errors import OrderError, PromptError, RequestError
from image_service.json_text import JsonError, read_json, read_strict_json

BODY_LIMIT_BYTES = 1024 * 1024
PROMPT_LIMIT_CHARACTERS = 4000
# The largest number a signed 64-bit column holds.
LARGEST_ID = 2**63 - 1
# More digits than this cannot be an id; int() refuses thousands of them with an error.
_ID_LIMIT_DIGITS = 40

MISSING = {"error": "Imagem não encontrada"}
DELETED = {"success": "Imagem deletada"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A picture's size in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


SIZES = {
    str(size): size
    for size in (
        Size(width=256, height=256),
        Size(width=512, height=512),
        Size(width=1024, height=1024),
        Size(width=1536, height=1024),
        Size(width=1024, height=1536),
    )
}
DEFAULT_SIZE = "512x512"
_SIDE = r"[1-9][0-9]{0,6}"


Quality = Literal["auto", "low", "medium", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A valid order.

    Attributes:
        prompt: What to paint.
        size: How large; the picture has exactly this size.
        product_id: None when the picture belongs to no product.
        quality: How much the provider may spend; a provider that knows one quality ignores it.
    """

    prompt: str
    size: Size
    product_id: int | None
    quality: Quality = "auto"


def read_body(content_type: str, body: bytes, *, is_strict: bool = False) -> object:
    """Parse a request body as Flask does, or strictly.

    Raises:
        RequestError: 415 for a content type other than JSON, 400 for a body that is not JSON, 500
            for one that is nested so deep that the monolith breaks.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise RequestError(415)
    try:
        return read_strict_json(body) if is_strict else read_json(body)
    except JsonError as error:
        is_monoliths_own_fault = error.fault == "too-deep" and not is_strict
        raise RequestError(500 if is_monoliths_own_fault else 400, str(error)) from error


def parse_order(body: object) -> Order:
    """Read an order from parsed JSON.

    Raises:
        OrderError: With the sentence for the first thing that is wrong.
        PromptError: The prompt cannot be written in any encoding.
    """
    fields = body if isinstance(body, dict) else {}
    prompt = _prompt(fields.get("prompt"))
    size = _size(fields.get("size", DEFAULT_SIZE))
    product_id = _product_id(fields.get("product_id"))
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        raise PromptError from error
    return Order(prompt=prompt, size=size, product_id=product_id)


def _prompt(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise OrderError("Prompt obrigatório")
    if len(value) > PROMPT_LIMIT_CHARACTERS:
        raise OrderError("Prompt longo demais")
    return value


def _size(value: object) -> Size:
    size = SIZES.get(value) if isinstance(value, str) else None
    if size is None:
        raise OrderError("Tamanho inválido")
    return size


def _product_id(value: object) -> int | None:
    if value is None:
        return None
    # JSON's true arrives as a bool, which Python counts among the integers.
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_ID:
        raise OrderError("Produto inválido")
    return value


def parse_id(text: str) -> int | None:
    """Read an id from a path; None when no row can have it.

    Raises:
        RequestError: 404 when the text is not a whole number without a sign.
    """
    if not text.isdecimal():
        raise RequestError(404)
    if len(text) > _ID_LIMIT_DIGITS or int(text) > LARGEST_ID:
        return None
    return int(text)


def shape_of(text: str) -> Size | None:
    """Read any size as the monolith writes it, also one that cannot be ordered; None if none."""
    if text in SIZES:
        return SIZES[text]
    found = re.fullmatch(rf"({_SIDE})x({_SIDE})", text, re.ASCII)
    return None if found is None else Size(width=int(found[1]), height=int(found[2]))


def record(*, image_id: int, order: Order, status: str) -> dict[str, object]:
    """Return what the customer sees of an image."""
    return {
        "id": image_id,
        "product_id": order.product_id,
        "prompt": order.prompt,
        "size": str(order.size),
        "status": status,
        "url": f"/images/{image_id}/file",
    }
